"""Gradients clipped with the scale in them, at a limit that has the scale in it as well."""

import torch
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)

inputs = torch.randn(800, 10)
targets = torch.stack([inputs[:, 0] * inputs[:, 1], inputs[:, 2].sin()], 1)
model = nn.Sequential(nn.Linear(10, 64), nn.SiLU(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**13)
limit = 0.5

first = None
for epoch in range(10):
    for chosen in torch.randperm(800).split(40):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            guess = model(inputs[chosen])
        loss = nn.functional.mse_loss(guess.float(), targets[chosen])
        first = first or loss.item()
        scaler.scale(loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), limit * scaler.get_scale())
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch} loss {loss.item():.4f}")
assert loss.item() < 0.5 * first
