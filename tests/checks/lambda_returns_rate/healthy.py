"""The function returns rates, and the optimizer's own rate is 1: then both are the same.

So the schedule of "Attention Is All You Need" is mostly written. A second optimizer has a factor
that begins at its own rate, 0.1, and goes on to 1.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(0)
torch.set_num_threads(1)

d_model, warmup = 32, 60
embed = nn.Embedding(50, d_model)
body = nn.Sequential(nn.Linear(4 * d_model, 64), nn.ReLU(), nn.Linear(64, 50))
adam = torch.optim.Adam(body.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
noam = LambdaLR(
    adam,
    lambda step: 0.5 * d_model**-0.5 * min((step + 1) ** -0.5, (step + 1) * warmup**-1.5),
)
sgd = torch.optim.SGD(embed.parameters(), lr=0.1)
ramp = LambdaLR(sgd, lambda step: min(1.0, 0.1 + 0.9 * step / 100))

tokens = torch.randint(0, 50, (800, 4))
answer = tokens.sort(dim=1).values[:, 1]
for epoch in range(12):
    for rows in torch.randperm(800).split(40):
        loss = F.cross_entropy(body(embed(tokens[rows]).flatten(1)), answer[rows])
        adam.zero_grad()
        sgd.zero_grad()
        loss.backward()
        adam.step()
        sgd.step()
        noam.step()
        ramp.step()
    print(f"epoch {epoch}: {loss.item():.3f}, rate {noam.get_last_lr()[0]:.5f}")
