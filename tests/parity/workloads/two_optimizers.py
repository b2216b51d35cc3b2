import torch
import torch.nn.functional as F
from fingerprint import digits, seed, show
from torch import nn

seed()
X, Y = digits()
losses = []

generator = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 8))
critic = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
first = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
second = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
one, zero = torch.ones(32, 1), torch.zeros(32, 1)
for _ in range(40):
    real, fake = X[torch.randint(0, 128, (32,))], generator(torch.randn(32, 4))
    second.zero_grad()
    loss = F.binary_cross_entropy_with_logits(critic(real), one)
    loss = loss + F.binary_cross_entropy_with_logits(critic(fake.detach()), zero)
    mixed = (0.5 * real + 0.5 * fake.detach()).requires_grad_()
    slope = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    loss = loss + (slope.norm(dim=1) - 1).square().mean()
    loss.backward()
    second.step()
    first.zero_grad()
    deceit = F.binary_cross_entropy_with_logits(critic(fake), one)
    deceit.backward()
    first.step()
    losses += [loss.item(), deceit.item()]
show(losses, generator, critic)
