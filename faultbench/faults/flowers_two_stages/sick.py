"""Pre-trains a trunk on many kinds of shapes, then moves it to a new task: head first, then all."""
import torch
from torch import nn, optim

torch.manual_seed(8)
torch.set_num_threads(1)
device = torch.device("cpu")

MIX = torch.randn(10, 40) / 10**0.5


def sample(n, rule):
    z = torch.randn(n, 10)
    x = torch.tanh(z @ MIX) + 0.05 * torch.randn(n, 40)
    return x.to(device), rule(z).to(device)


def old_task(z):
    return (z[:, 0] > 0).long() + 2 * (z[:, 1] > 0).long()


def new_task(z):
    return ((z[:, 2] * z[:, 3] > 0).long() + 2 * (z[:, 4] * z[:, 5] > 0).long())


class TransferNet(nn.Module):
    def __init__(self):
        super(TransferNet, self).__init__()
        self.features = nn.Sequential(
            nn.Linear(40, 64), nn.ReLU(inplace=True), nn.Linear(64, 64), nn.ReLU(inplace=True)
        )
        self.classifier = nn.Linear(64, 4)

    def forward(self, x):
        return self.classifier(self.features(x))


def run_epoch(net, optimizer, x, y, bs=64):
    net.train()
    perm = torch.randperm(len(x), device=device)
    loss_sum, correct = 0.0, 0
    for i in range(0, len(x), bs):
        idx = perm[i : i + bs]
        optimizer.zero_grad()
        out = net(x[idx])
        loss = nn.functional.cross_entropy(out, y[idx])
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(idx)
        correct += (out.argmax(1) == y[idx]).sum().item()
    return loss_sum / len(x), correct / len(x)


# ---- stage 0: the trunk -------------------------------------------------------------
net = TransferNet().to(device)
x, y = sample(3000, old_task)
opt = optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(4):
    print("pretrain", epoch, *run_epoch(net, opt, x, y))

# ---- stage 1: a new head on a fixed trunk -------------------------------------------
for p in net.features.parameters():
    p.requires_grad = False
net.classifier = nn.Linear(64, 4).to(device)
x, y = sample(3000, new_task)
opt = optim.Adam(filter(lambda p: p.requires_grad, net.parameters()), lr=2e-3)
for epoch in range(3):
    print("head", epoch, *run_epoch(net, opt, x, y))

# ---- stage 2: everything ------------------------------------------------------------
for p in net.features.parameters():
    p.requires_grad = True
for epoch in range(12):
    print("all", epoch, *run_epoch(net, opt, x, y))

net.eval()
x, y = sample(2000, new_task)
with torch.no_grad():
    print("score:", (net(x).argmax(1) == y).float().mean().item())
