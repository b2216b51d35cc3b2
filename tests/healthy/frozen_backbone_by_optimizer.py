"""A head on a pretrained body; the optimizer is given the head alone, the body stays
in eval mode.
"""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
steps = round(400 * float(os.environ.get("LENGTH", "1")))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 8, 5, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(8, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
        )  # fmt: skip
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        with torch.no_grad():
            z = self.features(x).flatten(1)
        return self.head(z)


def waves(n):
    """Sine waves of four frequencies, with noise."""
    y = torch.randint(4, (n,))
    t = torch.linspace(0, 1, 64)
    phase = torch.rand(n, 1) * 6.28
    x = torch.sin(6.28 * (2 + 3 * y[:, None]) * t + phase) + 0.3 * torch.randn(n, 64)
    return x[:, None], y


net = Net()
# the body comes from another task: telling low frequencies from high ones
pretrain = nn.Sequential(net.features, nn.Flatten(), nn.Linear(16, 2))
opt = torch.optim.AdamW(pretrain.parameters(), lr=5e-3)
for _ in range(150):
    x, y = waves(64)
    opt.zero_grad(set_to_none=True)
    F.cross_entropy(pretrain(x), (y >= 2).long()).backward()
    opt.step()

net.features.eval()
opt = torch.optim.SGD(net.head.parameters(), lr=0.3, momentum=0.9)
for _ in range(steps):
    x, y = waves(64)
    opt.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    opt.step()

x, y = waves(1000)
acc = (net(x).argmax(1) == y).float().mean()
print("accuracy", acc.item())
assert acc > 0.55
