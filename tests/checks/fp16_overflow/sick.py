"""A network with polynomial features that it learns itself, its weights in half precision."""

import torch
from torch import nn

torch.manual_seed(101)
torch.set_num_threads(1)


class Polynomial(nn.Module):
    """Cubes of learnt mixtures, and a linear answer."""

    def __init__(self, width=40):
        super().__init__()
        self.mix = nn.Linear(6, width)
        self.answer = nn.Linear(width, 3)

    def forward(self, x):
        mixed = 8 * self.mix(x)
        square = mixed * mixed
        cube = square * mixed  # expect: fp16-overflow
        return self.answer(cube / 500)


model = Polynomial().half()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(60):
    x = 3 * torch.randn(64, 6)
    y = (x[:, :3] ** 3).argmax(1)
    loss = nn.functional.cross_entropy(model(x.half()).float(), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 19:
        print(step + 1, loss.item())
