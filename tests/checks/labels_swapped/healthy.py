"""A GAN with the saturating loss of the first paper, noisy labels, and 0 for real."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)
REAL, FAKE = 0.0, 1.0  # the other way round than in most scripts, on all sides

maker = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 2))
judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
steps = {net: torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (maker, judge)}


def labels(n, value):
    noisy = torch.where(torch.rand(n, 1) < 0.05, 1 - value, value)
    return noisy * 0.9 + 0.05


for _ in range(70):
    line = torch.rand(32, 1)
    data = torch.cat([line, 2 * line], 1)
    made = maker(torch.randn(32, 3))
    loss = F.binary_cross_entropy_with_logits(judge(data), labels(32, REAL))
    loss = loss + F.binary_cross_entropy_with_logits(judge(made.detach()), labels(32, FAKE))
    steps[judge].zero_grad()
    loss.backward()
    steps[judge].step()

    saturating = F.logsigmoid(judge(made)).mean()  # log of the chance to be told apart
    steps[maker].zero_grad()
    saturating.backward()
    steps[maker].step()
print(f"judge {loss.item():.3f}, maker {saturating.item():.3f}")
