"""One GradScaler for a backbone and a head, each with an optimizer of its own and clipping: both
are unscaled, both step, and the scaler is updated once.
"""

import os

import torch
from torch import nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = images / 16
backbone = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
head, decoder = nn.Linear(64, 10), nn.Linear(64, 64)
slow = torch.optim.SGD(backbone.parameters(), lr=0.1, momentum=0.9)
fast = torch.optim.AdamW([*head.parameters(), *decoder.parameters()], lr=3e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12, growth_interval=60)
for epoch in range(round(6 * float(os.environ.get("LENGTH", "1")))):
    for rows in torch.randperm(1400).split(56):
        slow.zero_grad()
        fast.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            hidden = backbone(images[rows])
            scores, copies = head(hidden), decoder(hidden)
        answer = nn.functional.cross_entropy(scores.float(), labels[rows])
        copy = nn.functional.mse_loss(copies.float(), images[rows])
        scaler.scale(answer).backward(retain_graph=True)
        scaler.scale(0.3 * copy).backward()
        for optimizer, part in ((slow, backbone), (fast, head)):
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(part.parameters(), 1.0)
        scaler.step(slow)
        scaler.step(fast)
        scaler.update()
    print(f"epoch {epoch}: {answer.item():.3f} {copy.item():.3f}, scale {scaler.get_scale():.0f}")
accuracy = (head(backbone(images[1400:])).argmax(1) == labels[1400:]).float().mean().item()
assert accuracy > 0.85
