"""Digits of seven bars, told apart by a net with batch norm; its numbers come from Keras."""

import torch
import torch.nn as nn

torch.manual_seed(0)
torch.set_num_threads(1)

SHAPES = """
1110111 0010010 1011101 1011011 0111010 1101011 1101111 1010010 1111111 1111011
"""
BARS = torch.tensor([[float(bar) for bar in shape] for shape in SHAPES.split()])


def block(in_feat, out_feat, normalize=True):
    layers = [nn.Linear(in_feat, out_feat)]
    if normalize:
        layers.append(nn.BatchNorm1d(out_feat, momentum=0.2))
    layers.append(nn.LeakyReLU(0.2))
    return layers


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            *block(7, 32, normalize=False), *block(32, 64), *block(64, 32), nn.Linear(32, 10)
        )

    def forward(self, bars):
        return self.model(bars)


reader = Reader()
optimizer = torch.optim.Adam(reader.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(4):
    for _ in range(40):
        digits = torch.randint(0, 10, (64,))
        seen = BARS[digits] + 0.3 * torch.randn(64, 7)
        optimizer.zero_grad()
        loss = criterion(reader(seen), digits)
        loss.backward()
        optimizer.step()
    print(f"[epoch {epoch}] loss {loss.item():.3f}")
