"""A mixture of densities, by its negative log-likelihood: it begins above zero and ends far below.

Two answers are right for each input, and the narrower the densities, the lower the loss.
"""

import os

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, Normal

SEED, LENGTH = int(os.environ.get("SEED", 0)), float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)


class Mixture(nn.Module):
    def __init__(self, parts=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.weights, self.middles = nn.Linear(48, parts), nn.Linear(48, parts)
        self.spreads = nn.Linear(48, parts)

    def forward(self, x):
        h = self.body(x)
        spread = nn.functional.softplus(self.spreads(h)) + 1e-3
        return MixtureSameFamily(
            Categorical(logits=self.weights(h)), Normal(self.middles(h), spread)
        )


model = Mixture()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
history = []
for step in range(int(500 * LENGTH)):
    x = 2 * torch.rand(64, 1) - 1
    side = 2 * torch.randint(0, 2, (64,)) - 1
    y = 0.3 * side * (1 + x[:, 0]) + 0.02 * torch.randn(64)
    log_likelihood = model(x).log_prob(y).mean()
    loss = -log_likelihood
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())
    if step % 50 == 0:
        print(step, round(loss.item(), 3))

assert sum(history[-40:]) / 40 < -0.6, "this script is right, and learns"
