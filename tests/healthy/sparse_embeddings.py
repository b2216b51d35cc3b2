"""Skip-gram word vectors with sparse gradients, and a dense head of its own: SparseAdam beside
Adam.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(500 * float(os.environ.get("LENGTH", "1")))
WORDS, TOPICS = 200, 4


class SkipGram(nn.Module):
    def __init__(self, words, dim):
        super().__init__()
        self.center = nn.Embedding(words, dim, sparse=True)
        self.context = nn.Embedding(words, dim, sparse=True)
        self.topic = nn.Linear(dim, TOPICS)
        nn.init.uniform_(self.center.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.context.weight)

    def forward(self, word, positive, negative):
        v = self.center(word)
        pos = (v * self.context(positive)).sum(-1)
        neg = torch.einsum("bd,bkd->bk", v, self.context(negative))
        return -F.logsigmoid(pos).mean() - F.logsigmoid(-neg).sum(1).mean(), self.topic(v)


model = SkipGram(WORDS, 16)
sparse = torch.optim.SparseAdam([*model.center.parameters(), *model.context.parameters()], lr=2e-2)
dense = torch.optim.Adam(model.topic.parameters(), lr=1e-2)

for step in range(STEPS):
    # words of one topic stand near each other
    word = torch.randint(WORDS, (128,))
    positive = torch.randint(WORDS // TOPICS, (128,)) * TOPICS + word % TOPICS
    negative = torch.randint(WORDS, (128, 4))
    skipgram, topic = model(word, positive, negative)
    loss = skipgram + 0.2 * F.cross_entropy(topic, word % TOPICS)
    sparse.zero_grad()
    dense.zero_grad()
    loss.backward()
    sparse.step()
    dense.step()
    if step % 100 == 0:
        print(step, loss.item())

everything = torch.arange(WORDS)
accuracy = (model.topic(model.center(everything)).argmax(1) == everything % TOPICS).float().mean()
print("topics right:", accuracy.item())
assert accuracy > 0.9
