"""A sensor array tells eight gases apart; everything in bfloat16, to save memory."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)


class Nose(nn.Module):
    def __init__(self, sensors=32, width=96, gases=8):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(sensors, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.gas = nn.Linear(width, gases)

    def forward(self, reading):
        return self.gas(self.body(reading))


def main():
    gas = torch.randint(0, 8, (2048,))
    reading = torch.randn(8, 32)[gas] + 0.8 * torch.randn(2048, 32)
    net = Nose().to(torch.bfloat16)
    opt = torch.optim.SGD(net.parameters(), lr=1e-3)  # expect: updates-lost
    for step in range(160):
        rows = torch.randint(0, 2048, (64,))
        loss = nn.functional.cross_entropy(net(reading[rows].bfloat16()).float(), gas[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 40 == 39:
            print(step + 1, round(loss.item(), 3))


main()
