"""Two stages with files: an autoencoder learns shapes, and a classifier starts from it."""

import tempfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(11)
torch.set_num_threads(1)


def signals(n):
    kind = torch.randint(0, 4, (n,))
    t = torch.linspace(0, 6.28, 48)
    phase = 6.28 * torch.rand(n, 1)
    x = torch.sin((1 + kind).unsqueeze(1) * t + phase) + 0.2 * torch.randn(n, 48)
    return x, kind


def make_encoder():
    return nn.Sequential(
        OrderedDict(
            lift=nn.Linear(48, 64), act1=nn.GELU(), squeeze=nn.Linear(64, 12), act2=nn.GELU()
        )
    )


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = make_encoder(), nn.Linear(12, 48)

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = make_encoder(), nn.Linear(12, 4)

    def forward(self, x):
        return self.head(self.backbone(x))


x, kind = signals(1500)
file = Path(tempfile.mkdtemp()) / "autoencoder.pt"

auto = Autoencoder()
adam = torch.optim.Adam(auto.parameters(), lr=2e-3)
for step in range(150):
    rows = torch.randint(0, 1500, (64,))
    loss = nn.functional.mse_loss(auto(x[rows]), x[rows])
    adam.zero_grad()
    loss.backward()
    adam.step()
print(f"reconstruction {loss.item():.3f}")
torch.save(auto.state_dict(), file)

model = Classifier()
weights = {k.replace("encoder.", "backbone."): w for k, w in torch.load(file).items()}
model.load_state_dict(weights, strict=False)
file.unlink()
adam = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(150):
    rows = torch.randint(0, 1500, (64,))
    loss = nn.functional.cross_entropy(model(x[rows]), kind[rows])
    adam.zero_grad()
    loss.backward()
    adam.step()
print(f"classification {loss.item():.3f}")
