"""Denoising judged by the features of another network, unpickled whole and in eval mode. It passes
gradients on, and nobody wants to train it.
"""

import io
import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = images / 8 - 1


def pretrained():
    """What torch.load gives for somebody's saved model."""
    net = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh())
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.GELU(), nn.Linear(96, 64))

    def forward(self, x):
        return self.net(x)


features = pretrained().eval()
model = Denoiser()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
curve = []
for step in range(round(400 * float(os.environ.get("LENGTH", "1")))):
    clean = images[torch.randint(len(images), (64,))]
    restored = model(clean + 0.5 * torch.randn_like(clean))
    with torch.no_grad():
        wanted = features(clean)
    loss = F.mse_loss(features(restored), wanted) + 0.1 * F.l1_loss(restored, clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    curve.append(loss.item())
print(f"loss {curve[0]:.3f} -> {sum(curve[-50:]) / 50:.3f}")
assert sum(curve[-50:]) / 50 < 0.5 * curve[0]
