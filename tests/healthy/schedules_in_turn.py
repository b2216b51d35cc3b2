"""A warm-up and a cosine in sequence, with a decay chained to them; stepped once for each four
batches, as the optimizer is; and a plateau that waits for a loss which rises at first.
"""

import os

import torch
from torch import nn
from torch.optim import lr_scheduler

seed, length = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(seed)
torch.set_num_threads(1)

x = torch.randn(1024, 12)
y = torch.tanh(x[:, :1] * 2) + x[:, 1:2] * x[:, 2:3] + 0.1 * torch.randn(1024, 1)
EPOCHS, EVERY = max(int(12 * length), 3), 4
steps = EPOCHS * (1024 // 16 // EVERY)

model = nn.Sequential(nn.Linear(12, 64), nn.SiLU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.01)
warm = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=steps // 10)
cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps - steps // 10, eta_min=1e-5)
schedule = lr_scheduler.SequentialLR(optimizer, [warm, cosine], milestones=[steps // 10])
for epoch in range(EPOCHS):
    for number, rows in enumerate(torch.randperm(1024).split(16)):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        (loss / EVERY).backward()
        if (number + 1) % EVERY == 0:
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
first = nn.functional.mse_loss(model(x), y).item()
print(f"{steps} steps: {first:.4f}")

# a few labels are wrong: the loss elsewhere rises before it falls
x_val = torch.randn(512, 12)
y_val = torch.tanh(x_val[:, :1] * 2) + x_val[:, 1:2] * x_val[:, 2:3]
y[:40] = 3 * torch.randn(40, 1)
sgd = torch.optim.SGD(model.parameters(), lr=0.02)
plateau = lr_scheduler.ReduceLROnPlateau(sgd, patience=2, factor=0.5)
for epoch in range(EPOCHS):
    for rows in torch.randperm(1024).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    with torch.no_grad():
        value = nn.functional.mse_loss(model(x_val), y_val).item()
    plateau.step(value)
    print(f"epoch {epoch}: elsewhere {value:.4f}, rate {sgd.param_groups[0]['lr']:.4f}")
assert first < 0.6
