"""Gradients of which most are 0, and ought to be: float16 without a scaler, where none is needed.

Words that a batch lacks, units that are off, pairs beyond their margin: no larger loss would give
them a gradient. The loss is a sum, which keeps the others large.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)

WORDS, TOPICS = 400, 6
topic_of = torch.randint(0, TOPICS, (WORDS,))


def documents(count):
    topic = torch.randint(0, TOPICS, (count,))
    words = torch.randint(0, WORDS, (count, 30))
    keep = (topic_of[words] == topic[:, None]) | (torch.rand(count, 30) < 0.3)
    return words * keep, topic


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, 24, padding_idx=0)
        self.hidden, self.topics = nn.Linear(24, 64), nn.Linear(64, TOPICS)
        nn.init.normal_(self.words.weight, std=0.3)

    def forward(self, words):
        return self.topics(F.relu(self.hidden(self.words(words).sum(1)) - 0.5))


model = Scorer()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for step in range(160):
    words, topic = documents(40)
    with torch.autocast("cpu", dtype=torch.float16):
        scores = model(words)
    scores = scores.float()
    best = scores.gather(1, topic[:, None])
    others = torch.ones_like(scores).scatter(1, topic[:, None], 0.0)
    loss = (F.relu(1 - best + scores) * others).sum()  # most pairs are beyond the margin soon
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

words, topic = documents(400)
right = (model(words).argmax(1) == topic).float().mean().item()
print(f"right in {right:.1%}, last loss {loss.item():.3f}")
assert right > 0.6
