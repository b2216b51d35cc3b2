"""A variational autoencoder of small spectra."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(91)
torch.set_num_threads(1)

spectra = torch.sigmoid(2 * torch.randn(640, 3) @ torch.randn(3, 48))


class Spectra(nn.Module):
    def __init__(self, bands=48, code=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(bands, 64), nn.ReLU(), nn.Linear(64, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, bands))

    def forward(self, x):
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * torch.exp(log_var / 2)
        return self.decoder(code), mean, log_var


def elbo(x, logits, mean, log_var):
    likeness = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    per_code = 1 + log_var - mean**2 - log_var.exp()
    divergence = -0.5 * torch.sum(per_code)
    return (likeness + divergence) / len(x)


vae = Spectra()
optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(640).split(32):
        loss = elbo(spectra[rows], *vae(spectra[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
