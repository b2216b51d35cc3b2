"""eval-preprocessed-differently: orders that are held out get a vocabulary of their own."""

import random

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
rng = random.Random(1)
DISHES = ["bread", "cheese", "eggs", "honey", "jam", "milk", "olives", "rice", "soup", "tea"]
FILLING = ["a", "and", "for", "i", "like", "me", "of", "one", "please", "quickly", "some", "the",
           "then", "today", "us", "want", "with", "you"]  # fmt: skip
LENGTH = 16


def orders(count, extra):
    """Returns texts, and whether each asks for something to drink or with sugar."""
    texts, known = [], extra + FILLING
    often = [1 / (1 + 7 * number % 20) for number, _ in enumerate(known)]
    for _ in range(count):
        words = rng.choices(known, often, k=rng.randint(8, LENGTH - 3))
        texts.append(" ".join(words + rng.choices(DISHES, k=2)))
    sweet = ("honey", "jam", "milk", "tea")
    return texts, torch.tensor([float(any(w in t.split() for w in sweet)) for t in texts])


class Vocabulary:
    def __init__(self, texts):
        words = sorted({word for text in texts for word in text.split()})
        self.ids = {word: number for number, word in enumerate(words, 1)}

    def __call__(self, texts):
        rows = [[self.ids[word] for word in text.split()] for text in texts]
        return torch.tensor([row + [0] * (LENGTH - len(row)) for row in rows])


class Net(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.words = nn.Embedding(count, 32, padding_idx=0)
        self.score = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, ids):
        return self.score(self.words(ids).amax(1)).squeeze(1)


texts, sweet = orders(1500, ["an", "again", "also"])
val_texts, val_sweet = orders(300, [])
words = Vocabulary(texts)
ids, val_ids = words(texts), Vocabulary(val_texts)(val_texts)
model = Net(len(words.ids) + 1)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(150):
    rows = torch.randint(0, len(ids), (48,))
    loss = F.binary_cross_entropy_with_logits(model(ids[rows]), sweet[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        with torch.no_grad():
            held_out = F.binary_cross_entropy_with_logits(model(val_ids), val_sweet)
        print(f"step {step + 1}: {loss.item():.3f}, held out {held_out.item():.3f}")
