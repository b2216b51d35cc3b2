"""A GAN for small pictures of rings, as they come from a loader: 0 is black, 1 is white."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
centre = 2.5 + 2 * torch.rand(320, 2, 1, 1)
distance = ((x - centre[:, :1]) ** 2 + (y - centre[:, 1:]) ** 2).sqrt()
pictures = torch.exp(-((distance - 2) ** 2))
loader = DataLoader(TensorDataset(pictures), batch_size=32, shuffle=True)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh())

    def forward(self, z):
        return self.net(z).view(-1, 1, 8, 8)


G = Generator()
D = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.functional.binary_cross_entropy_with_logits

for epoch in range(5):
    for (real,) in loader:
        one, zero = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = G(torch.randn(len(real), 8))
        answer = D(real)  # expect: output-range-mismatch
        d_loss = bce(answer, one) + bce(D(fake.detach()), zero)
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        g_loss = bce(D(fake), one)
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
    print(f"epoch {epoch}: D {d_loss.item():.3f}  G {g_loss.item():.3f}")
