"""An auxiliary-classifier GAN: the judge also names the class; one loss for each of its answers."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)
CLASSES, NOISE = 3, 6

label = torch.randint(CLASSES, (480,))
centre = torch.tensor([[0.0, 0.7], [0.6, -0.4], [-0.6, -0.4]])
loader = DataLoader(TensorDataset(centre[label] + 0.08 * torch.randn(480, 2), label), 32, True)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.label = nn.Embedding(CLASSES, NOISE)
        self.net = nn.Sequential(nn.Linear(NOISE, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))

    def forward(self, z, label):
        return self.net(z * self.label(label))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Dropout(0.2))
        self.valid, self.kind = nn.Linear(32, 1), nn.Linear(32, CLASSES)

    def forward(self, x):
        h = self.body(x)
        return self.valid(h), self.kind(h)


G, D = Generator(), Discriminator()
adversarial, auxiliary = nn.BCEWithLogitsLoss(), nn.CrossEntropyLoss()
opt_G = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_D = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))

for epoch in range(4):
    for x, y in loader:
        real, fake = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        made_label = torch.randint(CLASSES, (len(x),))

        opt_G.zero_grad()
        made = G(torch.randn(len(x), NOISE), made_label)
        valid, kind = D(made)
        g_loss = 0.5 * (adversarial(valid, real) + auxiliary(kind, made_label))
        g_loss.backward()
        opt_G.step()

        opt_D.zero_grad()
        d_real = [f(a, b) for f, a, b in zip((adversarial, auxiliary), D(x), (real, y))]
        d_fake = [
            f(a, b)
            for f, a, b in zip((adversarial, auxiliary), D(made.detach()), (fake, made_label))
        ]
        d_loss = 0.25 * (sum(d_real) + sum(d_fake))
        d_loss.backward()
        opt_D.step()
    print(f"epoch {epoch}: D {d_loss.item():.3f}  G {g_loss.item():.3f}")
