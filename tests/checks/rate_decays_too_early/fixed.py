"""Predicts the next value of a damped wave; the rate is lowered a little after every epoch."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
torch.set_num_threads(1)


class Waves(Dataset):
    def __init__(self, n=480, length=12):
        start, speed = torch.rand(n, 1) * 2 * math.pi, 0.3 + torch.rand(n, 1)
        t = torch.arange(length + 1)
        self.values = torch.sin(start + speed * t) * 0.97**t

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        return self.values[i, :-1], self.values[i, -1:]


class MLP(nn.Sequential):
    def __init__(self, width=64):
        super().__init__(nn.Linear(12, width), nn.Tanh(), nn.Linear(width, 1))


def main(epochs=30):
    loader = DataLoader(Waves(), batch_size=48, shuffle=True)
    model, criterion = MLP(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.004, momentum=0.5)
    scheduler = ExponentialLR(optimizer, gamma=0.95)
    for epoch in range(epochs):
        for past, future in loader:
            optimizer.zero_grad()
            loss = criterion(model(past), future)
            loss.backward()
            optimizer.step()
        scheduler.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2d}  mse {loss.item():.5f}  lr {scheduler.get_last_lr()}")


main()
