"""Small grey images with a bright bar on the left, in the middle or on the right."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
torch.set_num_threads(1)


class Blobs(Dataset):
    def __init__(self, n=1200, size=12):
        g = torch.Generator().manual_seed(9)
        self.labels = torch.randint(0, 3, (n,), generator=g)
        centre = 2 + 4 * self.labels.float() + 0.5 * torch.randn(n, generator=g)
        column = torch.arange(size).float()
        row = torch.exp(-((column - centre[:, None]) ** 2) / 4)
        noise = torch.rand(n, size, size, generator=g)
        pixels = 40 + 120 * row[:, None, :] + 80 * noise
        self.images = pixels.clamp(0, 255).to(torch.uint8)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i].unsqueeze(0).float() / 255, self.labels[i]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc = nn.Linear(16 * 3 * 3, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


train_loader = DataLoader(Blobs(), batch_size=40, shuffle=True)
net = ConvNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

for epoch in range(5):
    for images, labels in train_loader:
        logits = net(images)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
