"""Two views of a thing, a picture and its sound: which sound belongs to which picture?"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)
torch.set_num_threads(1)

SEE, HEAR = torch.randn(6, 16), torch.randn(6, 12)


def pairs(count):
    thing = torch.randn(count, 6)
    return (torch.tanh(x) + 0.2 * torch.randn_like(x) for x in (thing @ SEE, thing @ HEAR))


class Tower(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 48), nn.ReLU(), nn.Linear(48, 16))

    def forward(self, x):
        return F.normalize(self.layers(x), dim=-1)


eye, ear = Tower(16), Tower(12)
optimizer = torch.optim.Adam([*eye.parameters(), *ear.parameters()], lr=2e-3)
which = torch.arange(96)
for step in range(120):
    seen, heard = pairs(96)
    alike = eye(seen) @ ear(heard).T  # expect: cosine-logits-unscaled
    loss = (F.cross_entropy(alike, which) + F.cross_entropy(alike.T, which)) / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 30 == 0:
        print(step, round(loss.item(), 3), (alike.argmax(1) == which).float().mean().item())
