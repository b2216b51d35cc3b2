"""A regression head on a convolutional trunk; only one of them reaches the optimizer."""

import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)


class Trunk(nn.Module):
    def __init__(self, channels=12):
        super().__init__()
        self.c1 = nn.Conv1d(1, channels, 5, padding=2)
        self.c2 = nn.Conv1d(channels, channels, 5, padding=2)

    def forward(self, x):
        x = torch.relu(self.c1(x))
        return torch.relu(self.c2(x)).mean(dim=2)


class Head(nn.Module):
    def __init__(self, channels=12):
        super().__init__()
        self.fc = nn.Linear(channels, 8)

    def forward(self, features):
        return self.fc(features)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.head = Head()

    def forward(self, x):
        return self.head(self.trunk(x))


def waves(n, length=40):
    """Sine waves with what a technician would note about them."""
    amplitude, offset = 1 + 4 * torch.rand(n, 1), 6 * torch.rand(n, 1) - 3
    time = torch.arange(length).float()
    signal = amplitude * torch.sin(time / 3 + 6.28 * torch.rand(n, 1)) + offset
    noted = [
        amplitude, offset, amplitude * offset / 3, offset**2 / 3, amplitude**2 / 5,
        offset.abs(), (amplitude - offset).abs(), offset.sign(),
    ]  # fmt: skip
    return (signal + 0.2 * torch.randn(n, length)).unsqueeze(1), 3 * torch.cat(noted, 1)


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for iteration in range(1, 301):
    signal, target = waves(48)
    loss = ((model(signal) - target) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if iteration % 50 == 0:
        print(f"iteration {iteration}: mse {loss.item():.4f}")
