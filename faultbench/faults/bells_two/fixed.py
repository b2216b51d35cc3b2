"""Tunes a bell: an MLP maps a wanted spectrum to the shape. Checks every few rounds on held-out bells."""
import torch
from torch import nn

torch.manual_seed(66)
torch.set_num_threads(1)
A = torch.randn(5, 24)


def bells(n):
    shape = torch.rand(n, 5) * 2 - 1
    return 60 + 25 * torch.sin(shape @ A) + torch.randn(n, 24), shape


train_x, train_y = bells(1000)
held_x, held_y = bells(300)
net = nn.Sequential(
    nn.Linear(24, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 5)
)
loss_of = nn.MSELoss()
optim = torch.optim.SGD(net.parameters(), lr=0.01)


def check():
    net.eval()
    with torch.no_grad():
        return 1 - (loss_of(net(held_x), held_y) / held_y.var()).item()


for round_ in range(20):
    print("round", round_, "held-out", round(check(), 3))
    net.train()
    for rows in torch.randperm(1000).split(50):
        loss = loss_of(net(train_x[rows]), train_y[rows])
        optim.zero_grad()
        loss.backward()
        optim.step()
print("score:", check())
