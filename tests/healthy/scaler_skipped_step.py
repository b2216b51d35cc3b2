"""A GradScaler that begins too high: the first steps overflow in float16, are skipped, and the
scale is halved.
"""

import os

import torch
from torch import nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = images / 16
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24, growth_interval=500)
criterion = nn.CrossEntropyLoss()
skipped = 0
for epoch in range(round(6 * float(os.environ.get("LENGTH", "1")))):
    for idx in torch.randperm(1400).split(56):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = criterion(model(images[idx]), labels[idx])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        skipped += scaler.get_scale() < before
    print(f"epoch {epoch} loss {loss.item():.3f} scale {scaler.get_scale():.0f}")
accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
print(f"{skipped} steps skipped, accuracy {accuracy:.3f}")
assert skipped > 0
assert accuracy > 0.85
