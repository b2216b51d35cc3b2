"""Blobs with loaders and two transforms: that of the validation set was forgotten."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(4)
torch.set_num_threads(1)

CLASSES, SIZE = 6, 8
prototypes = torch.rand(CLASSES, 1, SIZE, SIZE)


def pictures(count):
    labels = torch.randint(0, CLASSES, (count,))
    noisy = (prototypes[labels] + 0.25 * torch.randn(count, 1, SIZE, SIZE)).clamp(0, 1)
    return (255 * noisy).round().to(torch.uint8), labels


class Standardise:
    def __call__(self, picture):
        return (picture / 255 - 0.5) / 0.3


class Pictures(Dataset):
    def __init__(self, pictures, labels, transform=None):
        self.pictures, self.labels, self.transform = pictures, labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        picture = self.pictures[index].float()
        if self.transform is not None:
            picture = self.transform(picture)
        return picture, self.labels[index]


train_set = Pictures(*pictures(600), transform=Standardise())
val_set = Pictures(*pictures(200))  # expect: eval-preprocessed-differently
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=100)

model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(8 * 16, CLASSES),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(12):
    model.train()
    for picture, label in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(picture), label)
        loss.backward()
        optimizer.step()
    model.eval()
    right, held = 0, 0.0
    with torch.no_grad():
        for picture, label in val_loader:
            answers = model(picture)
            held += loss_fn(answers, label).item() / len(val_loader)
            right += (answers.argmax(1) == label).sum().item()
    print(f"epoch {epoch}: {loss.item():.3f}, held out {held:.3f}, {right / len(val_set):.3f}")
