"""Tomorrow's change of the water level, from the last week: a small network from a blog."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
torch.set_num_threads(1)

change = [0.0, 0.0]
for noise in 0.5 * torch.randn(1205):
    change.append(1.2 * change[-1] - 0.6 * change[-2] + float(noise))
change = torch.tensor(change)
week = change.unfold(0, 7, 1)[:-1]
after = change[7:]
data = DataLoader(TensorDataset(week, after.unsqueeze(1)), batch_size=30, shuffle=True)


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(7, 32),
            nn.ReLU(),
            nn.Linear(32, 1),
            nn.ReLU(),  # expect: final-activation-mismatch
        )

    def forward(self, x):
        return self.layers(x)


forecast = Forecast()
optimizer = torch.optim.Adam(forecast.parameters(), lr=3e-3)
mse = nn.MSELoss()
for epoch in range(6):
    total = 0.0
    for x, y in data:
        optimizer.zero_grad()
        loss = mse(forecast(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() / len(data)
    print(f"epoch {epoch}: {total:.3f}")
