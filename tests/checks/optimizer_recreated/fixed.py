"""Sorting beans by weight, width and colour: a function for each step, called with the network."""

import torch
import torch.nn.functional as F

torch.manual_seed(16)
torch.set_num_threads(1)

beans = torch.randn(900, 3)
kind = ((beans[:, 0] > 0).long() + (beans[:, 1] * beans[:, 2] > 0.2).long()).clamp(max=2)


def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 40), torch.nn.ReLU(), torch.nn.Linear(40, 3))


def train_one_batch(net, optimizer, x, y):
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


net = network()
opt = torch.optim.SGD(net.parameters(), 0.05, 0.9)
for epoch in range(6):
    losses = [train_one_batch(net, opt, beans[i], kind[i]) for i in torch.randperm(900).split(45)]
    print(f"epoch {epoch}: {sum(losses) / len(losses):.3f}")
