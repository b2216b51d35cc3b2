"""A scaler that skips a step, as it should; the loss breaks later by a logarithm."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)

for step in range(8):
    x = torch.randn(8, 4)
    out = model(x)
    if step in (0, 3):
        out = out.half() * 60000 * 60000  # beyond float16: the scaler skips this step
    loss = out.float().square().mean()
    optimizer.zero_grad()
    if step < 5:
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        continue
    loss = loss + (out.mean() * 0).log()  # expect: log | log of 0
    loss.backward()
    optimizer.step()
