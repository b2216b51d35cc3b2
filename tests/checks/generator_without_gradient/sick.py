"""A DCGAN in small, for 8 x 8 pictures of bars."""

import torch
import torch.nn as nn

torch.manual_seed(2)
torch.set_num_threads(1)
BATCH, LATENT = 16, 8


def bars(n):
    pictures = -torch.ones(n, 1, 8, 8)
    for picture, column in zip(pictures, torch.randint(8, (n,))):
        picture[:, :, column] = 1
    return pictures


netG = nn.Sequential(
    nn.ConvTranspose2d(LATENT, 16, 4),
    nn.ReLU(),
    nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
    nn.Tanh(),
)
netD = nn.Sequential(
    nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 4), nn.Flatten(0)
)
criterion = nn.BCEWithLogitsLoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
label_real, label_fake = torch.ones(BATCH), torch.zeros(BATCH)

for i in range(40):
    netD.zero_grad()
    errD_real = criterion(netD(bars(BATCH)), label_real)
    errD_real.backward()
    fake = netG(torch.randn(BATCH, LATENT, 1, 1))
    errD_fake = criterion(netD(fake.detach()), label_fake)
    errD_fake.backward()
    optimizerD.step()

    netG.zero_grad()
    errG = criterion(netD(fake.detach()), label_real)  # expect: generator-without-gradient
    errG.backward()
    optimizerG.step()
print(f"D {errD_real.item() + errD_fake.item():.3f}  G {errG.item():.3f}")
