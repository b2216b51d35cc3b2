"""A port of an old repository: bumps in one dimension, classified by a small convolution."""

import argparse

import torch
import torch.nn as nn
import torch.utils.data as data

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=7)
parser.add_argument("--lr", type=float, default=0.03)
args = parser.parse_args()
torch.manual_seed(5)
torch.set_num_threads(1)


class Bumps(data.Dataset):
    def __init__(self, count):
        place = torch.randint(4, 28, (count, 1))
        wide = torch.randint(0, 2, (count,))
        width = torch.where(wide == 1, 3.0, 1.5).unsqueeze(1)
        self.signal = torch.exp(-(((torch.arange(32) - place) / width) ** 2))
        self.signal += 0.1 * torch.randn(count, 32)
        self.wide = wide

    def __len__(self):
        return len(self.wide)

    def __getitem__(self, i):
        return self.signal[i : i + 1], self.wide[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, 5, padding=2)
        self.fc = nn.Linear(8 * 16, 2)

    def forward(self, x):
        x = nn.functional.max_pool1d(torch.relu(self.conv(x)), 2)
        return self.fc(x.flatten(1))


net = Net()
loader = data.DataLoader(Bumps(640), batch_size=32, shuffle=True)
optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 5], gamma=0.2)
criterion = nn.CrossEntropyLoss()
for epoch in range(args.epochs):
    scheduler.step()  # expect: scheduler-before-optimizer
    running = 0.0
    for signal, wide in loader:
        optimizer.zero_grad()
        loss = criterion(net(signal), wide)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"epoch {epoch} loss {running / len(loader):.4f}")
