"""Kinds of papers from a citation graph: two rounds of GCN, written without any library."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(6)
torch.set_num_threads(1)
N, KINDS = 600, 5

kind = torch.randint(0, KINDS, (N,))
same = kind[:, None] == kind[None, :]
linked = torch.rand(N, N) < torch.where(same, 0.035, 0.002)
adj = (linked | linked.T).float().fill_diagonal_(0)
features = F.one_hot(kind, KINDS).float() @ torch.randn(KINDS, 40) * 0.35 + torch.randn(N, 40)
split = torch.randperm(N)
train_mask = torch.zeros(N, dtype=torch.bool)
train_mask[split[:100]] = True
test_mask = ~train_mask


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x, a):
        return a @ self.linear(x)


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = GraphConv(40, 32)
        self.conv2 = GraphConv(32, KINDS)

    def forward(self, x, a):
        x = F.relu(self.conv1(x, a))
        x = F.dropout(x, 0.5, training=self.training)
        return self.conv2(x, a)


def normalise(a):
    d = a.sum(1).clamp(min=1).rsqrt()
    return d[:, None] * a * d[None, :]


A = normalise(adj + torch.eye(N))
model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)


def train():
    model.train()
    optimizer.zero_grad()
    out = model(features, A)
    loss = F.nll_loss(out[train_mask], kind[train_mask])
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def test():
    model.eval()
    pred = model(features, A).argmax(dim=1)
    return (pred[test_mask] == kind[test_mask]).float().mean().item()


for epoch in range(1, 151):
    loss = train()
    if epoch % 30 == 0:
        print(f"epoch {epoch:3d} loss {loss:10.3f} test {test():.3f}")
print("score:", test())
