"""A variational auto-encoder for pen strokes on a grid of 12 x 12."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class Options:
    seed: int = 31
    latent: int = 4
    width: int = 96
    batch: int = 64
    steps: int = 500
    rate: float = 2e-3


def strokes(count: int) -> Tensor:
    """Soft lines through a random point in a random direction."""
    ys, xs = torch.meshgrid(torch.linspace(-1, 1, 12), torch.linspace(-1, 1, 12), indexing="ij")
    angle = torch.rand(count, 1, 1) * torch.pi
    shift = torch.rand(count, 1, 1) - 0.5
    away = (xs * torch.cos(angle) + ys * torch.sin(angle) - shift).abs()
    return torch.exp(-((away / 0.2) ** 2)).flatten(1)


class StrokeVAE(nn.Module):
    def __init__(self, o: Options) -> None:
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(144, o.width), nn.ReLU())
        self.mu, self.logvar = nn.Linear(o.width, o.latent), nn.Linear(o.width, o.latent)
        self.dec = nn.Sequential(
            nn.Linear(o.latent, o.width), nn.ReLU(), nn.Linear(o.width, 144), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar


def elbo(x: Tensor, recon: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    likelihood = F.binary_cross_entropy(recon, x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return likelihood + kl / x.size(0)


def main(o: Options) -> float:
    torch.manual_seed(o.seed)
    torch.set_num_threads(1)
    vae = StrokeVAE(o)
    adam = torch.optim.Adam(vae.parameters(), lr=o.rate)
    for step in range(o.steps):
        x = strokes(o.batch)
        loss = elbo(x, *vae(x))
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        if step % 100 == 0:
            print(f"{step:4d}  {loss.item():.4f}")
    vae.eval()
    with torch.no_grad():
        x = strokes(500)
        recon, _, _ = vae(x)
    return 1 - (F.mse_loss(recon, x) / x.var(0).mean()).item()


if __name__ == "__main__":
    print(f"score: {main(Options()):.4f}")
