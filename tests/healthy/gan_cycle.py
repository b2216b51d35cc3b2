"""A CycleGAN: two generators with one optimizer, two judges, a pool of earlier pictures."""

import itertools
import random

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
torch.set_num_threads(1)


def net(outputs, last=None):
    layers = [nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, outputs)]
    return nn.Sequential(*layers, *([last] if last else []))


class Pool:
    def __init__(self, size):
        self.size, self.held = size, []

    def query(self, batch):
        found = []
        for row in batch.detach():
            row = row.unsqueeze(0)
            if len(self.held) < self.size:
                self.held.append(row)
            elif random.random() > 0.5:
                at = random.randrange(self.size)
                row, self.held[at] = self.held[at].clone(), row
            found.append(row)
        return torch.cat(found)


class CycleGAN:
    def __init__(self):
        self.netG_A, self.netG_B = net(2), net(2)
        self.netD_A, self.netD_B = net(1), net(1)
        self.pools = Pool(40), Pool(40)
        both = itertools.chain(self.netG_A.parameters(), self.netG_B.parameters())
        self.optimizer_G = torch.optim.Adam(both, lr=2e-3, betas=(0.5, 0.999))
        judges = itertools.chain(self.netD_A.parameters(), self.netD_B.parameters())
        self.optimizer_D = torch.optim.Adam(judges, lr=2e-3, betas=(0.5, 0.999))

    @staticmethod
    def gan(answer, real):
        return nn.functional.mse_loss(answer, torch.full_like(answer, float(real)))

    def freeze(self, frozen):
        for judge in (self.netD_A, self.netD_B):
            for parameter in judge.parameters():
                parameter.requires_grad = not frozen

    def step(self, a, b):
        fake_b, fake_a = self.netG_A(a), self.netG_B(b)
        back_a, back_b = self.netG_B(fake_b), self.netG_A(fake_a)
        self.freeze(True)
        self.optimizer_G.zero_grad()
        loss = self.gan(self.netD_A(fake_b), True) + self.gan(self.netD_B(fake_a), True)
        loss = loss + 10 * nn.functional.l1_loss(back_a, a) + 10 * nn.functional.l1_loss(back_b, b)
        loss.backward()
        self.optimizer_G.step()
        self.freeze(False)
        self.optimizer_D.zero_grad()
        for judge, pool, real, fake in (
            (self.netD_A, self.pools[0], b, fake_b),
            (self.netD_B, self.pools[1], a, fake_a),
        ):
            judged = self.gan(judge(real), True) + self.gan(judge(pool.query(fake)), False)
            (judged / 2).backward()
        self.optimizer_D.step()
        return loss.item()


model = CycleGAN()
for step in range(60):
    circle = nn.functional.normalize(torch.randn(16, 2), dim=1)
    square = torch.rand(16, 2) * 2 - 1
    loss = model.step(circle, square)
print(f"generators {loss:.3f}")
