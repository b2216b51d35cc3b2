"""Regression on targets in the hundreds of thousands: the mean goes into the last bias, the scale
into the model.
"""

import os

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class PriceModel(nn.Module):
    """Answers in euros."""

    def __init__(self, n_features, mean, std):
        super().__init__()
        self.hidden = nn.Linear(n_features, 32)
        self.out = nn.Linear(32, 1)
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x):
        return self.mean + self.std * self.out(torch.relu(self.hidden(x))).squeeze(-1)


n = 2000
area = 40 + 160 * torch.rand(n)
rooms = (area / 30).round() + torch.randint(0, 2, (n,))
age = 80 * torch.rand(n)
price = 3000 * area + 15000 * rooms - 800 * age + 20000 * torch.randn(n)

features = torch.stack([area, rooms, age], 1)
features = (features - features.mean(0)) / features.std(0)
model = PriceModel(3, price.mean(), price.std())
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.MSELoss()
history = []
for epoch in range(round(25 * LENGTH)):
    for batch in torch.randperm(n).split(100):
        optimizer.zero_grad()
        prediction = model(features[batch])
        loss = criterion(prediction, price[batch])
        loss.backward()
        optimizer.step()
    history.append(loss.item() ** 0.5)
    if epoch % 5 == 0:
        print(f"epoch {epoch}: off by {history[-1]:,.0f} euros")
assert history[-1] < 35000
