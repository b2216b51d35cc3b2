"""A tanh network whose author likes weights with a standard deviation of one."""

import torch
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)


def make_mlp(sizes):
    layers = []
    for i in range(len(sizes) - 1):
        linear = nn.Linear(sizes[i], sizes[i + 1])
        nn.init.normal_(linear.weight, mean=0.0, std=1.0)
        layers += [linear, nn.Tanh()]  # expect: saturated-activation
    return nn.Sequential(*layers[:-1])


features = torch.randn(3000, 100)
labels = (features @ torch.randn(100, 5)).argmax(1)
net = make_mlp([100, 200, 200, 200, 5])
optim = torch.optim.SGD(net.parameters(), lr=0.02)
criterion = nn.CrossEntropyLoss()

losses = []
for step in range(200):
    i = torch.randint(0, 3000, (64,))
    optim.zero_grad()
    loss = criterion(net(features[i]), labels[i])
    loss.backward()
    optim.step()
    losses.append(loss.item())
print(sum(losses[:20]) / 20, "->", sum(losses[-20:]) / 20)
