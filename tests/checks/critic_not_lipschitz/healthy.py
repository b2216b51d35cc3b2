"""A Wasserstein GAN with spectral norm in each layer of the critic, both players in one class."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

torch.manual_seed(4)
torch.set_num_threads(1)


class WGAN(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(3, 32), nn.ELU(), nn.Linear(32, 2))
        self.critic = nn.Sequential(
            spectral_norm(nn.Linear(2, 32)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(32, 1))
        )

    def training_step(self, batch, player):
        made = self.generator(torch.randn(len(batch), 3))
        if player == 0:
            return -self.critic(made).mean()
        return self.critic(made.detach()).mean() - self.critic(batch).mean()

    def configure_optimizers(self):
        return [
            torch.optim.Adam(self.generator.parameters(), lr=1e-3, betas=(0.0, 0.9)),
            torch.optim.Adam(self.critic.parameters(), lr=2e-3, betas=(0.0, 0.9)),
        ]


module = WGAN()
optimizers = module.configure_optimizers()
for step in range(50):
    batch = torch.randn(48, 2).sign() + 0.1 * torch.randn(48, 2)
    for player in (1, 0):
        optimizers[player].zero_grad()
        module.training_step(batch, player).backward()
        optimizers[player].step()
