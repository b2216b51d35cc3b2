"""Gradient norms are logged after the step, by the function that clips: its limit is infinite."""

import math

import torch
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)

pixels = torch.rand(600, 25)
bright = (pixels.mean(1) > 0.5).float()
net = nn.Sequential(nn.Linear(25, 30), nn.ReLU(), nn.Linear(30, 1))
trainer = torch.optim.AdamW(net.parameters(), lr=2e-3)
log = []
for _ in range(15):
    for rows in torch.randperm(600).split(50):
        trainer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(
            net(pixels[rows] - 0.5).squeeze(1), bright[rows]
        )
        loss.backward()
        trainer.step()
        log.append(nn.utils.clip_grad_norm_(net.parameters(), math.inf).item())
print(f"loss {loss.item():.3f}, gradients of {min(log):.3f} to {max(log):.3f}")
assert loss.item() < 0.4
