"""Noise for augmentation comes from a generator of the data set, made anew in each worker."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


def own_generator(worker):
    data = torch.utils.data.get_worker_info().dataset
    data.rng = np.random.default_rng(torch.initial_seed() % 2**32)


class Signals(Dataset):
    def __init__(self, count=160, length=20, seed=0):
        self.rng = np.random.default_rng(seed)
        self.labels = self.rng.integers(0, 3, count)
        waves = np.sin(np.outer(np.arange(1, 4), np.linspace(0, 6, length)))
        self.waves = waves[self.labels].astype(np.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        noise = self.rng.normal(0, 0.5, self.waves.shape[1]).astype(np.float32)
        return self.waves[index] + noise, self.labels[index]


def main():
    torch.manual_seed(71)
    torch.set_num_threads(1)
    data = Signals()
    loader = DataLoader(data, 20, shuffle=True, num_workers=2, worker_init_fn=own_generator)
    model = nn.Sequential(nn.Linear(20, 24), nn.ReLU(), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(3):
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.3f}")


if __name__ == "__main__":
    main()
