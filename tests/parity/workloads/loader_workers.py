import random

import numpy as np
import torch
from fingerprint import DEVICE, digits, seed, show
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed()
torch.set_default_device("cpu")  # workers make batches, and a loader's order, on the CPU
X, Y = digits()


class Noisy(Dataset):
    """Draws from every generator in the worker."""

    def __len__(self):
        return 64

    def __getitem__(self, i):
        noise = torch.randn(8) * 0.01 + random.random() * 0.01 + float(np.random.rand()) * 0.01
        return X[i] + noise, Y[i]


def main():
    losses = []
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3)).to(DEVICE)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(Noisy(), batch_size=8, shuffle=True, num_workers=2, persistent_workers=True)
    for _ in range(5):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs.to(DEVICE)), labels.to(DEVICE))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    show(losses, model)


if __name__ == "__main__":
    main()
