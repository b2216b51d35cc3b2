"""Handwritten digits, more or less: noisy prototypes, an MLP with dropout, a config of numbers."""

from types import SimpleNamespace

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

cfg = SimpleNamespace(epochs=8, batch=64, lr=0.05, seed=3, classes=10, dim=49)
torch.manual_seed(cfg.seed)
torch.set_num_threads(1)


def get_data(n):
    prototypes = torch.randn(cfg.classes, cfg.dim, generator=torch.Generator().manual_seed(0))
    label = torch.randint(0, cfg.classes, (n,))
    return prototypes[label] + 1.2 * torch.randn(n, cfg.dim), label


def build():
    model = nn.Sequential(
        nn.Linear(cfg.dim, 96), nn.ReLU(), nn.Dropout(0.1), nn.Linear(96, cfg.classes)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=0.9)
    scheduler = CosineAnnealingLR(optimizer, T_max=cfg.epochs)  # expect: scheduler-never-stepped
    return model, optimizer, scheduler


def train(model, optimizer, scheduler, x, y):
    for epoch in range(cfg.epochs):
        for idx in torch.randperm(len(x)).split(cfg.batch):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        rate = scheduler.get_last_lr()[0]
        print(f"epoch {epoch + 1}/{cfg.epochs} loss {loss.item():.4f} lr {rate:.4f}")


train(*build(), *get_data(1600))
