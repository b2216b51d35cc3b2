"""A loss that is a sum over many numbers: the scale comes down a long way, and stays there."""

import torch
from torch import nn

torch.manual_seed(82)
torch.set_num_threads(1)

patterns = torch.rand(500, 64)
coder = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 64), nn.Sigmoid())
optimizer = torch.optim.Adam(coder.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24)
scales = []
for epoch in range(8):
    for rows in torch.randperm(500).split(25):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            copy = coder(patterns[rows])
        loss = (copy.float() - patterns[rows]).square().sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    print(epoch, f"{loss.item():.1f}, scale {scales[-1]:.0f}")
assert scales[-1] < scales[0]
