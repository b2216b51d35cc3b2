"""A function sets the rate by epoch; from the middle on its exponent has the wrong sign."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)


class Tagger(nn.Module):
    def __init__(self, words=60, tags=6):
        super().__init__()
        self.embed = nn.Embedding(words, 24)
        self.mix = nn.Conv1d(24, 32, 3, padding=1)
        self.out = nn.Linear(32, tags)

    def forward(self, ids):
        hidden = F.gelu(self.mix(self.embed(ids).transpose(1, 2)))
        return self.out(hidden.transpose(1, 2))


def adjust(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = 0.002 * 1000 ** (epoch // 12)  # expect: learning-rate-too-high


rule = torch.randint(0, 6, (60,))
ids = torch.randint(0, 60, (512, 10))
tags = rule[ids]
model = Tagger()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.002)
for epoch in range(24):
    adjust(optimizer, epoch)
    for part in torch.randperm(512).split(32):
        logits = model(ids[part])
        loss = F.cross_entropy(logits.flatten(0, 1), tags[part].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
