"""Convolutions with batch norm; its momentum was taken for the share of the old average."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(9)
torch.set_num_threads(1)


def conv_block(inside, outside):
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False),
        nn.BatchNorm2d(outside, momentum=0.001),  # expect: batchnorm-stale-statistics
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_block(1, 8), conv_block(8, 16))
        self.head = nn.Linear(16 * 4, 3)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def stripes(n):
    """Horizontal, vertical or diagonal stripes in noise."""
    kind = torch.randint(0, 3, (n,))
    row, column = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    phase = torch.stack([row, column, row + column]).float()[kind]
    wave = torch.sin(phase * 1.6 + 6.28 * torch.rand(n, 1, 1))
    return (wave + 0.7 * torch.randn(n, 8, 8)).unsqueeze(1), kind


train_x, train_y = stripes(1200)
test_x, test_y = stripes(300)
net = SmallNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    net.train()
    for batch in torch.randperm(len(train_x)).split(40):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(train_x[batch]), train_y[batch])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        logits = net(test_x)
    accuracy = (logits.argmax(1) == test_y).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f}, test accuracy {accuracy:.3f}")
