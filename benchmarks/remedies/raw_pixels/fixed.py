"""Digits as bytes, as an image file has them, into a network with plain SGD."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from assay.demo import digits


class DigitBytes(Dataset):
    """Images of unsigned bytes, 0 to 255."""

    def __init__(self, start, stop):
        images, labels = digits.load()
        self.images = (images[start:stop] * 255 / 16).to(torch.uint8)
        self.labels = labels[start:stop]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return {"pixels": self.images[index], "digit": int(self.labels[index])}


def collate(samples):
    pixels = torch.stack([sample["pixels"] for sample in samples]).float() / 255
    return pixels, torch.tensor([sample["digit"] for sample in samples])


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(64, 64)
        self.l2 = nn.Linear(64, 32)
        self.l3 = nn.Linear(32, 10)

    def forward(self, x):
        return self.l3(F.relu(self.l2(F.relu(self.l1(x)))))


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        total = sum(F.cross_entropy(model(x), y, reduction="sum").item() for x, y in loader)
    model.train()
    return total / len(loader.dataset)


if __name__ == "__main__":
    torch.manual_seed(10)
    torch.set_num_threads(1)
    train = DataLoader(DigitBytes(0, 1400), batch_size=40, shuffle=True, collate_fn=collate)
    test = DataLoader(DigitBytes(1400, 1797), batch_size=397, collate_fn=collate)
    model = Classifier()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(8):
        for x, y in train:
            loss = F.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"epoch {epoch} test loss {evaluate(model, test):.4f}")
