"""Few samples, many weights: the validation loss rises from early on, and the rate is cut for it.

That is what the plateau is there for.
"""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

truth = torch.randn(20) / 20**0.5
x, x_val = torch.randn(120, 20), torch.randn(400, 20)
y = (x @ truth + 1.2 * torch.randn(120) > 0).float()
y_val = (x_val @ truth + 1.2 * torch.randn(400) > 0).float()

model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3, factor=0.5)
criterion = nn.BCEWithLogitsLoss()

best = float("inf")
for epoch in range(24):
    for rows in torch.randperm(120).split(12):
        optimizer.zero_grad(set_to_none=True)
        criterion(model(x[rows]).squeeze(1), y[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        value = criterion(model(x_val).squeeze(1), y_val)
    if value < best:
        best, kept = value.item(), {k: v.clone() for k, v in model.state_dict().items()}
    scheduler.step(value)
    print(epoch, f"{value.item():.3f}", optimizer.param_groups[0]["lr"])
model.load_state_dict(kept)
