"""Linear layers in a row that are meant: low rank, a bottleneck, separable kernels, an embedding.

A spectrogram is read by separable convolutions; an adapter of low rank goes beside a layer; the
features before the classifier are what the net is wanted for later.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)


class Separable(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.depth = nn.Conv1d(inputs, inputs, 5, padding=2, groups=inputs, bias=False)
        self.point = nn.Conv1d(inputs, outputs, 1)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x):
        return F.relu(self.norm(self.point(self.depth(x))))


class Adapted(nn.Module):
    def __init__(self, width, rank=4):
        super().__init__()
        self.main = nn.Linear(width, width)
        self.down = nn.Linear(width, rank, bias=False)
        self.up = nn.Linear(rank, width, bias=False)

    def forward(self, x):
        return self.main(x) + self.up(self.down(x))


class Listener(nn.Module):
    def __init__(self, bands=8, width=32):
        super().__init__()
        self.body = nn.Sequential(Separable(bands, width), nn.MaxPool1d(2), Separable(width, width))
        self.adapted = Adapted(width)
        self.embed = nn.Linear(width, 16)
        self.classify = nn.Linear(16, 4)

    def forward(self, sound):
        heard = self.body(sound).mean(2)
        return self.classify(self.embed(torch.tanh(self.adapted(heard))))


def sounds(count):
    kind = torch.randint(0, 4, (count,))
    sound = 0.5 * torch.randn(count, 8, 24)
    sound[torch.arange(count), kind] += torch.sin(torch.arange(24.0) / 2)
    return sound, kind


net = Listener()
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
for step in range(150):
    sound, kind = sounds(32)
    loss = F.cross_entropy(net(sound), kind)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{loss.item():.3f}")
