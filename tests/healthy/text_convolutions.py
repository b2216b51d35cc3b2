"""Convolutions over embedded words, the largest value of each filter over the sentence, dropout of
one half. Each sentence has one word that decides; the rows of words that never occur stay as
they are.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

WORDS, TELLING, CLASSES = 400, 40, 4


def sentences(count):
    labels = torch.randint(CLASSES, (count,))
    words = torch.randint(TELLING, WORDS - 100, (count, 12))
    place = torch.randint(12, (count,))
    words[torch.arange(count), place] = labels * 10 + torch.randint(10, (count,))
    return words, labels


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, 16)
        self.filters = nn.ModuleList(nn.Conv1d(16, 24, size, padding=1) for size in (1, 2, 3))
        self.drop, self.out = nn.Dropout(0.5), nn.Linear(72, CLASSES)

    def forward(self, words):
        x = self.embed(words).transpose(1, 2)
        found = [F.relu(one(x)).amax(2) for one in self.filters]
        return self.out(self.drop(torch.cat(found, 1)))


train, held = sentences(1500), sentences(400)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(round(10 * LENGTH)):
    model.train()
    for idx in torch.randperm(1500).split(50):
        loss = F.cross_entropy(model(train[0][idx]), train[1][idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(held[0])
        known = F.cross_entropy(logits, held[1])
    accuracy = (logits.argmax(1) == held[1]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}, {accuracy:.3f}")
assert accuracy > 0.8
