"""Words are put in order by attention; inside, time comes first, as the older recipes have it."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)
WORDS, LENGTH, WIDTH = 12, 10, 32


class TimeFirst(nn.Module):
    """Turns the batch around for its layers, and back for its answer."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Parameter(0.1 * torch.randn(LENGTH, 1, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 64, dropout=0.1)
        self.layers = nn.TransformerEncoder(layer, 2)
        self.norm = nn.BatchNorm1d(WIDTH)
        self.answer = nn.Linear(WIDTH, 2)

    def forward(self, sentences):
        hidden = self.words(sentences).transpose(0, 1) + self.places
        hidden = self.layers(hidden)
        return self.answer(self.norm(hidden.mean(0)))


def sentences(count):
    ids = torch.randint(2, WORDS, (count, LENGTH))
    spots = torch.rand(count, LENGTH).argsort(1)[:, :2]
    ids.scatter_(1, spots, torch.tensor([0, 1]).expand(count, 2))
    return ids, (spots[:, 0] < spots[:, 1]).long()


data = torch.utils.data.TensorDataset(*sentences(600))
loader = torch.utils.data.DataLoader(data, batch_size=24, shuffle=True)
net = TimeFirst()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(3):
    for ids, order in loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(ids), order)
        loss.backward()
        opt.step()
    print(epoch, round(loss.item(), 3))
