"""Half precision by autocast; the gradients of a mean over many pixels are tiny."""

import torch
from torch import nn

from assay.demo import digits

torch.manual_seed(5)
torch.set_num_threads(1)

images, _ = digits.load()
images = images / 16
holes = torch.ones(64)
holes.view(8, 8)[2:5, 3:6] = 0.0

model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 64))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu")
WEIGHT = 2e-5  # the loss is one of many of a larger objective

for epoch in range(8):
    for index in torch.randperm(1500).split(50):
        whole = images[index]
        with torch.autocast("cpu", dtype=torch.float16):
            filled = model(whole * holes)
            loss = WEIGHT * nn.functional.mse_loss(filled.float(), whole)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch}: {loss.item() / WEIGHT:.5f}")
