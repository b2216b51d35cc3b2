"""What a reader will open next, from what they have read: some have read nothing yet."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
PAGES, LONG = 24, 8


class Recommender(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.page = nn.Embedding(PAGES + 1, width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.out = nn.Linear(width, PAGES)

    def forward(self, history):
        x = self.page(history)
        q, k = self.query(x), self.key(x)
        scores = q @ k.transpose(1, 2) / 32**0.5
        empty = (history == 0).to(scores.dtype)
        scores = scores + empty[:, None, :] * -1e9  # expect: mask-value-overflows
        return self.out((scores.softmax(-1) @ x.to(q.dtype)).mean(1))


def readers(count):
    taste = torch.randint(0, 4, (count, 1))
    history = 1 + 6 * taste + torch.randint(0, 6, (count, LONG))
    read = torch.randint(1, LONG + 1, (count, 1))
    read[::50] = 0
    history[torch.arange(LONG) >= read] = 0
    return history, (6 * taste + torch.randint(0, 6, (count, 1))).squeeze(1)


history, following = readers(1600)
model = Recommender()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(3):
    for rows in torch.randperm(1600).split(40):
        with torch.autocast("cpu", dtype=torch.float16):
            logits = model(history[rows])
        loss = F.cross_entropy(logits.float(), following[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
