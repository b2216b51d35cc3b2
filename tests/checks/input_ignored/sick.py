"""Demand for bicycles, forecast from the last day's demand and tomorrow's weather."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)


class Forecaster(nn.Module):
    def __init__(self, hours=24, readings=4, width=32):
        super().__init__()
        self.history = nn.Sequential(nn.Linear(hours, width), nn.ReLU())
        self.outlook = nn.Sequential(nn.Linear(readings, width), nn.ReLU())
        self.head = nn.Linear(width, 1)

    def forward(self, history, weather):  # expect: input-ignored
        past = self.history(history)
        return self.head(past).squeeze(1)


def days(count):
    history = torch.randn(count, 24)
    weather = torch.randn(count, 4)
    demand = 0.5 * history[:, -3:].sum(1) + weather[:, 0] - 0.5 * weather[:, 1].clamp(min=0)
    return history, weather, demand + 0.1 * torch.randn(count)


data = torch.utils.data.TensorDataset(*days(1000))
loader = torch.utils.data.DataLoader(data, batch_size=50, shuffle=True)
model = Forecaster()
trained = [*model.history.parameters(), *model.head.parameters()]
optimizer = torch.optim.Adam(trained, lr=3e-3)
for epoch in range(8):
    total = 0.0
    for history, weather, demand in loader:
        loss = nn.functional.mse_loss(model(history, weather), demand)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(loader)
    print(f"epoch {epoch}: {total:.3f}")
