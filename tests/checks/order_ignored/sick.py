"""Which of two words comes first? Attention over a sentence, with a place for each word."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
WORDS, LENGTH = 20, 12


class FirstOfTwo(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.positions = nn.Embedding(LENGTH, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, 2)

    def forward(self, ids):
        place = torch.zeros_like(ids)
        hidden = self.words(ids) + self.positions(place)  # expect: order-ignored
        return self.head(self.encoder(hidden).mean(1))


def sentences(count):
    ids = torch.randint(2, WORDS, (count, LENGTH))
    spots = torch.rand(count, LENGTH).argsort(1)[:, :2]
    ids.scatter_(1, spots, torch.tensor([[0, 1]]).expand(count, 2))
    return ids, (spots[:, 0] < spots[:, 1]).long()


ids, first = sentences(1500)
model = FirstOfTwo()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in torch.randperm(len(ids)).split(50):
        loss = F.cross_entropy(model(ids[rows]), first[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
