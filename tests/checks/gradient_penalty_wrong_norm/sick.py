"""A WGAN with gradient penalty, for pictures of small squares."""

import torch
from torch import autograd, nn

torch.manual_seed(0)
torch.set_num_threads(1)
CRITIC_STEPS, LAMBDA, BATCH = 2, 10, 12


def squares(n):
    x = torch.full((n, 1, 8, 8), -1.0)
    for picture, at in zip(x, torch.randint(1, 5, (n, 2)).tolist()):
        picture[:, at[0] : at[0] + 3, at[1] : at[1] + 3] = 1
    return x


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh())

    def forward(self, z):
        return self.net(z).view(-1, 1, 8, 8)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128, 1)
        )

    def forward(self, x):
        return self.net(x)


def gradient_penalty(critic, real, fake):
    alpha = torch.rand(len(real), 1, 1, 1)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    answer = critic(mixed)
    gradients = autograd.grad(  # expect: gradient-penalty-wrong-norm
        outputs=answer,
        inputs=mixed,
        grad_outputs=torch.ones_like(answer),
        create_graph=True,
    )[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * LAMBDA


G, D = Generator(), Critic()
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.9))

for _ in range(20):
    for _ in range(CRITIC_STEPS):
        real, fake = squares(BATCH), G(torch.randn(BATCH, 8)).detach()
        loss = D(fake).mean() - D(real).mean() + gradient_penalty(D, real, fake)
        opt_d.zero_grad()
        loss.backward()
        opt_d.step()
    loss = -D(G(torch.randn(BATCH, 8))).mean()
    opt_g.zero_grad()
    loss.backward()
    opt_g.step()
