"""Losses at the border of their domain: soft labels beyond 1, masked targets, rates, cosines.

A discriminator's labels are drawn from 0.7 to 1.2; targets of -1 mean unknown and are masked after
reduction="none"; counts are fitted by log-rates and by rates; and cosines get a scale.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(11)
torch.set_num_threads(1)


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 32), nn.Tanh())
        self.real, self.known, self.rate, self.log_rate = (nn.Linear(32, 1) for _ in range(4))
        self.classes = nn.Parameter(torch.randn(3, 32))
        self.action = nn.Linear(32, 3)

    def forward(self, x):
        h = self.body(x)
        cosines = F.linear(F.normalize(h), F.normalize(self.classes))
        flat = [head(h).squeeze(1) for head in (self.real, self.known, self.rate, self.log_rate)]
        return flat, 16 * cosines, self.action(h)


heads = Heads()
optimizer = torch.optim.Adam(heads.parameters(), lr=5e-3)
for _ in range(250):
    x = torch.randn(80, 6)
    kind = x[:, :3].argmax(1)
    real = torch.where(x[:, 3] > 0, 0.7 + 0.5 * torch.rand(80), 0.3 * torch.rand(80))
    unknown = torch.where(torch.rand(80) < 0.3, -1.0, (x[:, 4] > 0).float())
    count = torch.poisson(torch.exp(0.5 * x[:, 5]))
    (is_real, known, rate, log_rate), logits, action = heads(x)
    loss = F.binary_cross_entropy_with_logits(is_real, real)
    each = F.binary_cross_entropy_with_logits(known, unknown, reduction="none")
    loss = loss + (each * (unknown >= 0)).sum() / (unknown >= 0).sum()
    loss = loss + F.poisson_nll_loss(F.softplus(rate), count, log_input=False)
    loss = loss + nn.PoissonNLLLoss()(log_rate, count)
    loss = loss + F.cross_entropy(logits, kind)
    loss = loss - 0.1 * Categorical(action.softmax(-1)).log_prob(kind).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
accuracy = (logits.argmax(1) == kind).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.8
