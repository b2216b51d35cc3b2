"""One attention begins with queries of zero, and one becomes as sharp as a look-up in a table."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(3)
torch.set_num_threads(1)
COLOURS, SHAPES, COUNT, WIDTH = 12, 6, 7, 64


class Scene(nn.Module):
    """Which shape has the colour that is asked for, and how many of the shapes are like it?"""

    def __init__(self):
        super().__init__()
        self.colours, self.shapes = nn.Embedding(COLOURS, WIDTH), nn.Embedding(SHAPES, WIDTH)
        self.query, self.key = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mix = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.norm = nn.LayerNorm(WIDTH)
        self.shape = nn.Linear(WIDTH, SHAPES)
        nn.init.zeros_(self.query.weight)
        nn.init.zeros_(self.query.bias)

    def forward(self, asked, colours, shapes):
        things = self.colours(colours) + self.shapes(shapes)
        things = self.norm(things + self.mix(things, things, things, need_weights=False)[0])
        query = self.query(self.colours(asked)).unsqueeze(1)
        weights = (query @ self.key(things).mT / WIDTH**0.5).softmax(-1)
        return self.shape((weights @ things).squeeze(1))


def scenes(count=64):
    colours = torch.rand(count, COLOURS).argsort(1)[:, :COUNT]
    shapes = torch.randint(0, SHAPES, (count, COUNT))
    which = torch.randint(0, COUNT, (count, 1))
    return (colours.gather(1, which)[:, 0], colours, shapes), shapes.gather(1, which)[:, 0]


model = Scene()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(240):
    given, answer = scenes()
    loss = F.cross_entropy(model(*given), answer)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 59:
        print(f"{step + 1}: {loss.item():.3f}")
