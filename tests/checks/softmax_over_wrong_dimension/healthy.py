"""Softmax over time, over both sides of a match, and over classes that stand second or last.

Frames are pooled by attention over time; two views of a batch find each other by a softmax over
rows and one over columns; a tagger's classes stand second, as cross-entropy wants them.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)
TAGS = 3


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.frames = nn.Conv1d(4, 16, 3, padding=1)
        self.attend = nn.Linear(16, 1)
        self.tags = nn.Linear(16, TAGS)
        self.whole = nn.Linear(16, TAGS)

    def forward(self, x):
        h = torch.relu(self.frames(x)).transpose(1, 2)
        weights = self.attend(h).softmax(dim=1)  # over time
        pooled = (weights * h).sum(1)
        return self.tags(h).log_softmax(-1), self.whole(pooled).softmax(-1), pooled


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(200):
    tag = torch.randint(0, TAGS, (24, 10))
    x = F.one_hot(tag, 4).float().transpose(1, 2) + 0.3 * torch.randn(24, 4, 10)
    most = F.one_hot(tag, TAGS).sum(1).float()
    log_tags, shares, pooled = model(x)
    _, _, again = model(x + 0.1 * torch.randn_like(x))
    loss = F.nll_loss(log_tags.transpose(1, 2), tag)
    loss = loss + F.mse_loss(shares, most / most.sum(1, keepdim=True))
    near = F.normalize(pooled) @ F.normalize(again).T / 0.2
    own = torch.arange(24)
    both = F.log_softmax(near, 0) + F.log_softmax(near, 1)
    loss = loss - 0.1 * both.diagonal().mean()
    loss = loss + 0.1 * F.cross_entropy(near.T, own)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
accuracy = (log_tags.argmax(-1) == tag).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.8
