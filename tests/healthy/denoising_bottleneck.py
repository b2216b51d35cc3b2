"""A denoising autoencoder: three in four inputs are dropped on purpose, and its code is narrow.

Two linear layers in a row make the code, one of them of low rank; the answer does not depend on
`keys`, which `forward` takes for the log.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(250 * float(os.environ.get("LENGTH", "1")))
FEATURES, CODE = 60, 5


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.corrupt = nn.Dropout(0.75)
        self.encode = nn.Sequential(nn.Linear(FEATURES, 48), nn.SiLU(), nn.Linear(48, CODE))
        self.decode = nn.Sequential(nn.Linear(CODE, 48), nn.SiLU(), nn.Linear(48, FEATURES))

    def forward(self, x, **log):
        return self.decode(self.encode(self.corrupt(x)))


basis = torch.randn(CODE, FEATURES)
model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
losses = []
for step in range(STEPS):
    x = torch.randn(64, CODE) @ basis / CODE**0.5
    loss = F.mse_loss(model(x, keys=torch.randperm(64)), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(losses[0], sum(losses[-20:]) / 20)
assert sum(losses[-20:]) / 20 < 0.7 * losses[0]
