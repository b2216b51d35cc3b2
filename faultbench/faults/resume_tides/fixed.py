"""Tide heights; training stops half-way, saves, and goes on as if in a second job."""
import io
import math

import torch
from torch import nn

torch.set_num_threads(1)


def build():
    return nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))


def series(g, n):
    hour = 200 * torch.rand(n, 1, generator=g)
    periods = torch.tensor([12.42, 12.0, 25.82, 23.93])
    phase = 2 * math.pi * hour / periods
    height = 1.2 * phase[:, :1].sin() + 0.6 * phase[:, 1:2].cos() * phase[:, 2:3].sin() + 0.3 * phase[:, 3:].sin()
    return torch.cat([phase.sin(), phase.cos()], 1), height + 0.02 * torch.randn(n, 1, generator=g)


def train(model, optimizer, g, steps, log):
    model.train()
    for step in range(steps):
        x, y = series(g, 64)
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"{log} {step:4d} {loss.item():.4f}")


def first_job(file):
    torch.manual_seed(1)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    train(model, optimizer, torch.Generator().manual_seed(1), 400, "job 1")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)


def second_job(file):
    torch.manual_seed(2)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    checkpoint = torch.load(file)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    train(model, optimizer, torch.Generator().manual_seed(2), 400, "job 2")
    return model


if __name__ == "__main__":
    file = io.BytesIO()
    first_job(file)
    file.seek(0)
    model = second_job(file).eval()
    with torch.no_grad():
        x, y = series(torch.Generator().manual_seed(3), 1000)
        print("score:", 1 - (nn.functional.mse_loss(model(x), y) / y.var()).item())
