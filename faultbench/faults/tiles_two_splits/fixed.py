"""Satellite tiles: a convolutional net, with transforms by split."""
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset

MEAN, STD = torch.tensor([112.0, 96.0, 70.0]).view(3, 1, 1), torch.tensor([38.0, 30.0, 24.0]).view(3, 1, 1)


class Normalize:
    def __call__(self, tile):
        return (tile - MEAN) / STD


class RandomFlip:
    def __call__(self, tile):
        return tile.flip(-1) if torch.rand(()) < 0.5 else tile


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, tile):
        for step in self.steps:
            tile = step(tile)
        return tile


class Tiles(Dataset):
    def __init__(self, count, seed, transform=None):
        g = torch.Generator().manual_seed(seed)
        self.kind = torch.randint(0, 5, (count,), generator=g)
        waves = torch.stack([torch.sin(torch.arange(10) * (k + 1) * 0.7) for k in range(5)])
        shift = torch.rand(count, 3, 1, 1, generator=g)
        texture = waves[self.kind][:, None, :, None].expand(count, 3, 10, 10)
        noise = torch.randn(count, 3, 10, 10, generator=g)
        self.tiles = (MEAN + STD * (0.8 * texture + shift - 0.5 + 0.7 * noise)).clamp(0, 255)
        self.transform = transform

    def __len__(self):
        return len(self.tiles)

    def __getitem__(self, i):
        tile = self.tiles[i]
        if self.transform:
            tile = self.transform(tile)
        return tile, self.kind[i]


def build():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(128, 5),
    )


def evaluate(net, loader):
    net.eval()
    right = total = 0
    with torch.no_grad():
        for tile, kind in loader:
            right += (net(tile).argmax(1) == kind).sum().item()
            total += len(kind)
    net.train()
    return right / total


def main():
    torch.manual_seed(55)
    torch.set_num_threads(1)
    train_transform = Compose(RandomFlip(), Normalize())
    train_loader = DataLoader(Tiles(800, 1, train_transform), batch_size=40, shuffle=True)
    val_loader = DataLoader(Tiles(300, 2, Normalize()), batch_size=100)
    net = build()
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(5):
        for tile, kind in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(tile), kind)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.3f} val acc {evaluate(net, val_loader):.3f}")
    print("score:", evaluate(net, val_loader))


if __name__ == "__main__":
    main()
