import torch
import torch.nn.functional as F
from fingerprint import digits, seed, show
from torch import nn

seed()
X, Y = digits()
losses = []

model = nn.Sequential(nn.Linear(8, 16), nn.Softplus(), nn.Linear(16, 3))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(X), Y)
    loss.backward()
    return loss


for i in range(20):
    loss = optimizer.step(closure) if i % 2 else optimizer.step(closure=closure)
    losses.append(loss.item())
show(losses, model)
