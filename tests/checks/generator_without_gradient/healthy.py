"""A conditional GAN with a hinge loss and spectral norm; fakes for the judge are made apart."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

torch.manual_seed(3)
torch.set_num_threads(1)
CLASSES = 4


class Maker(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(CLASSES, 4)
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, noise, label):
        return self.body(torch.cat([noise, self.embed(label)], dim=1))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(spectral_norm(nn.Linear(2, 32)), nn.LeakyReLU(0.2))
        self.out = spectral_norm(nn.Linear(32, 1))
        self.embed = spectral_norm(nn.Embedding(CLASSES, 32))

    def forward(self, x, label):
        h = self.features(x)
        return self.out(h).squeeze(1) + (self.embed(label) * h).sum(1)


class Trainer:
    def __init__(self):
        self.maker, self.critic = Maker(), Critic()
        self.steps = {
            "maker": torch.optim.Adam(self.maker.parameters(), lr=1e-3, betas=(0.0, 0.9)),
            "critic": torch.optim.Adam(self.critic.parameters(), lr=4e-3, betas=(0.0, 0.9)),
        }

    def batch(self, n=32):
        label = torch.randint(CLASSES, (n,))
        angle = label * torch.pi / 2
        return torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(n, 2), label

    def critic_turn(self):
        x, label = self.batch()
        with torch.no_grad():
            fake = self.maker(torch.randn(len(x), 6), label)
        real_score, fake_score = self.critic(x, label), self.critic(fake, label)
        return torch.relu(1 - real_score).mean() + torch.relu(1 + fake_score).mean()

    def maker_turn(self):
        _, label = self.batch()
        return -self.critic(self.maker(torch.randn(len(label), 6), label), label).mean()

    def run(self, rounds):
        for _ in range(rounds):
            for name, turn in (("critic", self.critic_turn), ("maker", self.maker_turn)):
                self.steps[name].zero_grad()
                loss = turn()
                loss.backward()
                self.steps[name].step()


trainer = Trainer()
trainer.run(50)
