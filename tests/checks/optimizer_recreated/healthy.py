"""Federated averaging (McMahan et al. 2017): one network visits ten clients a round.

At each client it begins with the weights of the server, and with an optimizer of the client's own.
Between rounds the server takes the mean.
"""

import copy

import torch
from torch import nn

torch.manual_seed(13)
torch.set_num_threads(1)

truth = torch.randn(8, 1)
clients = []
for _ in range(10):
    x = torch.randn(40, 8) + torch.randn(8)
    clients.append((x, (x @ truth).tanh() + 0.05 * torch.randn(40, 1)))

net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
server = copy.deepcopy(net.state_dict())
for round_ in range(6):
    visited, losses = [], []
    for x, y in clients:
        net.load_state_dict(server)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        for _ in range(4):
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        visited.append(copy.deepcopy(net.state_dict()))
        losses.append(loss.item())
    server = {key: torch.stack([state[key] for state in visited]).mean(0) for key in server}
    print(f"round {round_}: {sum(losses) / len(losses):.4f}")
