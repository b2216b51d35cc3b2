"""Which part of a pump fails? Vibration spectra, one folder after the other."""

import argparse

import torch
import torch.nn as nn
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

PARTS = ["bearing", "seal", "motor", "valve", "shaft", "none"]


def folder(index, count, g):
    freq = torch.arange(48.0)
    peak = torch.exp(-(((freq - 6 * index - 8) / 2.5) ** 2))
    spectra = 0.3 * peak + 0.6 * torch.rand(count, 48, generator=g)
    return TensorDataset(spectra, torch.full((count,), index))


def dataset(count, seed):
    g = torch.Generator().manual_seed(seed)
    return ConcatDataset([folder(i, count, g) for i in range(len(PARTS))])


class PumpNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool1d(4))
        self.fc1 = nn.Linear(96, 32)
        self.fc2 = nn.Linear(32, len(PARTS))

    def forward(self, x):
        x = self.conv(x.unsqueeze(1)).flatten(1)
        return self.fc2(torch.relu(self.fc1(x)))


def main(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    train_loader = DataLoader(dataset(150, 1), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(dataset(60, 2), batch_size=180)
    model, criterion = PumpNet(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(args.epochs):
        model.train()
        for spectra, part in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(spectra), part)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} last loss {loss.item():.4f}")
    model.eval()
    right = 0
    with torch.no_grad():
        for spectra, part in test_loader:
            right += (model(spectra).argmax(1) == part).sum().item()
    print("score:", right / 360)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
