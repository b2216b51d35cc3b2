"""WGAN with gradient penalty: the critic's loss is negative, its penalty needs a gradient of a
gradient.
"""

import os

import torch
import torch.nn as nn
from torch import autograd, optim

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

ITERS = round(220 * float(os.environ.get("LENGTH", "1")))
CRITIC_ITERS, LAMBDA, BATCH = 3, 2.0, 128


def mlp(n_in, n_out, width=48):
    return nn.Sequential(
        nn.Linear(n_in, width),
        nn.ReLU(True),
        nn.Linear(width, width),
        nn.ReLU(True),
        nn.Linear(width, n_out),
    )


def swiss_roll(n):
    t = 4.7 * (1 + 2 * torch.rand(n))
    return torch.stack([t * torch.cos(t), t * torch.sin(t)], 1) / 7.5


def gradient_penalty(critic, real, fake):
    alpha = torch.rand(real.size(0), 1)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    score = critic(between)
    (grads,) = autograd.grad(
        score, between, torch.ones_like(score), create_graph=True, retain_graph=True
    )
    return ((grads.norm(2, dim=1) - 1) ** 2).mean() * LAMBDA


G, D = mlp(4, 2), mlp(2, 1)
opt_g = optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_d = optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.9))

for it in range(ITERS):
    for p in D.parameters():
        p.requires_grad_(True)
    for _ in range(CRITIC_ITERS):
        D.zero_grad()
        real = swiss_roll(BATCH)
        with torch.no_grad():
            fake = G(torch.randn(BATCH, 4))
        d_loss = D(fake).mean() - D(real).mean() + gradient_penalty(D, real, fake)
        d_loss.backward()
        opt_d.step()
    for p in D.parameters():
        p.requires_grad_(False)
    G.zero_grad()
    g_loss = -D(G(torch.randn(BATCH, 4))).mean()
    g_loss.backward()
    opt_g.step()
    if it % 30 == 0:
        print(it, "critic", round(d_loss.item(), 3), "generator", round(g_loss.item(), 3))

spread = G(torch.randn(1000, 4)).detach().std(0)
print("spread of fakes", spread.tolist(), "of real points", swiss_roll(1000).std(0).tolist())
assert spread.min() > 0.3
