"""Bike rentals an hour from the weather: a trainer class whose steps are tidy methods."""

import torch
from torch import nn

torch.manual_seed(9)
torch.set_num_threads(1)


def rentals(n):
    weather = torch.rand(n, 6)
    count = 3 * weather[:, 0] + torch.sin(4 * weather[:, 1]) - 2 * weather[:, 2] * weather[:, 3]
    return weather, (count + 0.1 * torch.randn(n)).unsqueeze(1)


class Trainer:
    def __init__(self, model, lr):
        self.model, self.criterion = model, nn.MSELoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)

    def compute_gradients(self, x, y):
        loss = self.criterion(self.model(x), y)
        loss.backward()
        return loss.item()

    def apply_gradients(self):
        self.optimizer.step()
        self.model.zero_grad()

    def fit(self, x, y, epochs):
        for epoch in range(epochs):
            total = 0.0
            for rows in torch.randperm(len(x)).split(32):
                total += self.compute_gradients(x[rows], y[rows])
                self.apply_gradients()
            print(f"epoch {epoch}: {total / (len(x) / 32):.3f}")


weather, count = rentals(960)
network = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
Trainer(network, 3e-3).fit(weather, count, epochs=10)
