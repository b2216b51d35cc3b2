"""A sparsity penalty that is switched on once the reconstruction is good: the loss
jumps by plan.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(700 * float(os.environ.get("LENGTH", "1")))

images, _ = load()
images = images / 16
encoder, decoder = nn.Linear(64, 128), nn.Linear(128, 64)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
for step in range(STEPS):
    x = images[torch.randint(len(images), (64,))]
    code = F.relu(encoder(x))
    loss = F.mse_loss(decoder(code), x)
    if step >= STEPS // 2:
        loss = loss + 0.02 * code.abs().sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, f"{loss.item():.4f}", f"active {(code > 0).float().mean():.2f}")
print("active at the end", (code > 0).float().mean().item())
assert (code > 0).float().mean() < 0.5
