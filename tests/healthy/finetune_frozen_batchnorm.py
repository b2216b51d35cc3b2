"""Fine-tuning a whole CNN at a small rate, its BatchNorm layers left in eval mode with the old
statistics.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class SmallNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.fc = nn.Linear(24 * 4, classes)
        self.freeze_bn = False

    def train(self, mode=True):
        super().train(mode)
        if self.freeze_bn:
            for m in self.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.eval()
        return self

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.flatten(1))


def fit(model, data, optimizer, epochs):
    loader = DataLoader(data, batch_size=16, shuffle=True)
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print("epoch", epoch, "loss", round(loss.item(), 4))


images, labels = load()
images = (images / 16).view(-1, 1, 8, 8)
model = SmallNet(10)
fit(
    model,
    TensorDataset(images[:1000], labels[:1000]),
    torch.optim.Adam(model.parameters(), lr=3e-3),
    2,
)

# the new camera is darker, and there are few labelled pictures from it
dark = images * 0.6
model.freeze_bn = True
groups = [
    {"params": [p for n, p in model.named_parameters() if not n.startswith("fc")], "lr": 1e-4},
    {"params": model.fc.parameters(), "lr": 1e-3},
]
fine = TensorDataset(dark[1000:1300], labels[1000:1300])
fit(model, fine, torch.optim.AdamW(groups, weight_decay=1e-4), round(6 * LENGTH))
model.eval()
with torch.no_grad():
    accuracy = (model(dark[1300:]).argmax(1) == labels[1300:]).float().mean().item()
print("accuracy", accuracy)
assert accuracy > 0.8
