"""Prefix language model: a question is read from both ends, its answer from the left alone.

Sums such as `37+5=42`. What stands before `=` is seen by all, and only the answer is scored.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)
SIGNS = "0123456789+=;"
ASKED, LENGTH = 6, 10


def sums(count):
    rows = []
    for a, b in torch.randint(0, 50, (count, 2)).tolist():
        rows.append([SIGNS.index(s) for s in f"{a:02d}+{b:02d}={a + b:03d};"])
    return torch.tensor(rows)


def prefix_mask(length, prefix):
    """True where a place may not look: at what comes later, unless it belongs to the question."""
    later = torch.ones(length, length).triu(1).bool()
    later[:, :prefix] = False
    return later


class PrefixLM(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.signs = nn.Embedding(len(SIGNS), width)
        self.places = nn.Parameter(0.02 * torch.randn(LENGTH, width))
        layer = nn.TransformerEncoderLayer(width, 4, 96, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, len(SIGNS))

    def forward(self, ids, labels=None):
        length = ids.shape[1]
        mask = prefix_mask(length, ASKED)
        hidden = self.layers(self.signs(ids) + self.places[:length], mask=mask)
        logits = self.head(hidden)
        if labels is None:
            return logits
        shifted = F.pad(labels, (0, 1), value=-100)[:, 1:]
        return F.cross_entropy(logits.flatten(0, 1), shifted.flatten(), ignore_index=-100), logits


model = PrefixLM()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(160):
    ids = sums(48)
    labels = ids.clone()
    labels[:, :ASKED] = -100
    loss, _ = model(ids, labels)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
