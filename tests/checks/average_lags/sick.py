"""Two rings; the weights are averaged as in a large run, and the average is validated."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(0)
torch.set_num_threads(1)

angle = torch.rand(900) * 6.283
ring = torch.randint(0, 2, (900,))
radius = 0.6 + 0.5 * ring + 0.1 * torch.randn(900)
x = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
x_train, y_train, x_valid, y_valid = x[:700], ring[:700], x[700:], ring[700:]

model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9999))  # expect: average-lags
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(14):
    for rows in torch.randperm(700).split(35):
        optimizer.zero_grad()
        loss_fn(model(x_train[rows]), y_train[rows]).backward()
        optimizer.step()
        ema.update_parameters(model)
    ema.eval()
    with torch.no_grad():
        right = [
            (ema(a).argmax(1) == b).float().mean()
            for a, b in zip(x_valid.split(50), y_valid.split(50))
        ]
    print(f"epoch {epoch}: validation accuracy {torch.stack(right).mean():.3f}")
