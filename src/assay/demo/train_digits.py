"""Trains a small classifier of handwritten digits. Its accuracy stays poor: can you see why?"""

import gzip
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Returns 1,797 images of 8x8 pixels, float32 [1797, 64] in 0 to 1, and their labels."""
    raw = bytearray(gzip.decompress(Path(__file__).with_name("digits.u8.gz").read_bytes()))
    rows = torch.frombuffer(raw, dtype=torch.uint8).view(-1, 65)
    return rows[:, :64].float() / 16, rows[:, 64].long()


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Returns the share of images whose digit is recognised."""
    model.eval()
    with torch.no_grad():
        right = model(images).argmax(1) == labels
    model.train()
    return float(right.float().mean())


def main() -> None:
    """Trains for a few epochs and prints how it goes."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # layers this small gain nothing from more
    images, labels = load_digits()
    order = torch.randperm(len(images))
    train, test = order[:1400], order[1400:]
    dataset = TensorDataset(images[train], labels[train])
    loader = DataLoader(dataset, batch_size=50, shuffle=True)

    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(),
        nn.Linear(64, 64), nn.ReLU(),
        nn.Linear(64, 10),
    )  # fmt: skip
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    for epoch in range(1, 7):
        total = 0.0
        for batch, targets in loader:
            loss = criterion(model(batch), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
        mean, right = total / len(loader), accuracy(model, images[test], labels[test])
        print(f"epoch {epoch}  loss {mean:8.3f}  test accuracy {right:6.1%}")


if __name__ == "__main__":
    main()
