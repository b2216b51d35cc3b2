"""A denoising autoencoder of 2008: sigmoid units, pixels as probabilities, masking noise on the
input, a decoder that is the transposed encoder.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

images, _ = load()
pixels = images / 16


class Auto(nn.Module):
    def __init__(self):
        super().__init__()
        self.code, self.sigmoid, self.mask = nn.Linear(64, 48), nn.Sigmoid(), nn.Dropout(0.1)
        self.bias = nn.Parameter(torch.zeros(64))

    def forward(self, x):
        hidden = self.sigmoid(self.code(self.mask(x)))
        return F.linear(hidden, self.code.weight.T, self.bias)  # logits


model = Auto()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(round(10 * LENGTH)):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = F.binary_cross_entropy_with_logits(model(pixels[idx]), pixels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(pixels[1400:])
        known = F.binary_cross_entropy_with_logits(logits, pixels[1400:])
    error = (logits.sigmoid() - pixels[1400:]).pow(2).mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}, error {error:.4f}")
blank = pixels[1400:].var(0).mean().item()
assert error < 0.4 * blank
