"""A graph convolution over a sparse adjacency matrix, full batch, few labelled nodes."""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
NODES, CLASSES, FEATURES = 400, 4, 32

y = torch.randint(CLASSES, (NODES,))
same = y[:, None] == y[None]
edges = (torch.rand(NODES, NODES) < torch.where(same, 0.06, 0.005)).triu(1)
adj = (edges | edges.T).float() + torch.eye(NODES)
d = adj.sum(1).rsqrt()
adj = (d[:, None] * adj * d[None]).to_sparse_coo()
x = torch.randn(NODES, FEATURES) + 0.8 * F.one_hot(y, FEATURES)


class GraphConvolution(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, adj):
        return torch.sparse.mm(adj, x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.gc1 = GraphConvolution(FEATURES, 16)
        self.gc2 = GraphConvolution(16, CLASSES)

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, 0.5, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


idx_train, idx_test = torch.arange(80), torch.arange(200, NODES)
model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(round(200 * float(os.environ.get("LENGTH", "1")))):
    model.train()
    optimizer.zero_grad()
    output = model(x, adj)
    loss_train = F.nll_loss(output[idx_train], y[idx_train])
    loss_train.backward()
    optimizer.step()
model.eval()
acc = (model(x, adj)[idx_test].argmax(1) == y[idx_test]).float().mean().item()
print("train loss", loss_train.item(), "test accuracy", acc)
assert acc > 0.7
