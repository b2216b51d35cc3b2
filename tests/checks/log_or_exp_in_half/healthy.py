"""A mixture of two Gaussians fitted in bfloat16: logarithms of sums of exponentials, made safe."""

import math

import torch
from torch import nn

torch.manual_seed(112)
torch.set_num_threads(1)

data = torch.cat([torch.randn(400) * 0.5 - 2, torch.randn(400) + 2])
centre = nn.Parameter(torch.tensor([-0.5, 0.5]))
log_width = nn.Parameter(torch.zeros(2))
weight = nn.Parameter(torch.zeros(2))
optimizer = torch.optim.Adam([centre, log_width, weight], lr=0.05)
for step in range(150):
    x = data[torch.randint(0, 800, (64,))].bfloat16()
    optimizer.zero_grad()
    away = (x[:, None] - centre.bfloat16()) / log_width.bfloat16().exp()
    parts = weight.bfloat16().log_softmax(0) - log_width.bfloat16() - 0.5 * away.square()
    loss = 0.5 * math.log(2 * math.pi) - torch.logsumexp(parts.float(), 1).mean()
    loss.backward()
    optimizer.step()
print([round(c, 2) for c in centre.tolist()], f"{loss.item():.3f}")
assert abs(centre[1] - centre[0]) > 2
