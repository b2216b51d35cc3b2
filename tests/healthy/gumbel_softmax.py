"""A discrete autoencoder: codes by the straight-through Gumbel-softmax, its temperature lowered on
the way.
"""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPOCHS = round(15 * float(os.environ.get("LENGTH", "1")))
CODES, SIZE = 12, 8


class DiscreteAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 128), nn.ELU(), nn.Linear(128, CODES * SIZE))
        self.dec = nn.Sequential(nn.Linear(CODES * SIZE, 128), nn.ELU(), nn.Linear(128, 64))

    def forward(self, x, tau):
        logits = self.enc(x).view(-1, CODES, SIZE)
        code = F.gumbel_softmax(logits, tau=tau, hard=True)
        q = logits.softmax(-1)
        kl = (q * (q.clamp_min(1e-9).log() + math.log(SIZE))).sum((1, 2)).mean()
        return self.dec(code.flatten(1)), kl


images, _ = load()
images = images / 16
model = DiscreteAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(EPOCHS):
    tau = max(0.5, math.exp(-0.1 * epoch))
    for index in torch.randperm(len(images)).split(64):
        x = images[index]
        reconstruction, kl = model(x, tau)
        loss = (
            F.binary_cross_entropy_with_logits(reconstruction, x, reduction="none").sum(1).mean()
            + 0.1 * kl
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} tau {tau:.2f} loss {loss.item():.2f}")
assert loss.item() < 32
