"""Read in order, and right: the set was shuffled once before it was saved, and classes are unequal.

The test set is sorted, which does no harm. At the end the usual sanity run on one single batch.
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)
torch.set_num_threads(1)

centres = 1.5 * torch.randn(4, 10)


def make(counts, shuffled):
    y = torch.repeat_interleave(torch.arange(4), torch.tensor(counts))
    if shuffled:
        y = y[torch.randperm(len(y))]
    return TensorDataset(centres[y] + torch.randn(len(y), 10), y)


def network():
    return nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))


train = DataLoader(make([900, 150, 100, 50], shuffled=True), batch_size=32, shuffle=False)
test = DataLoader(make([60, 60, 60, 60], shuffled=False), batch_size=32)
model = network()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(4):
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = 0
    for x, y in test:
        with torch.no_grad():
            right += (model(x).argmax(1) == y).sum().item()
    print(f"epoch {epoch} accuracy {right / 240:.2f}")

one = network()
sgd = torch.optim.SGD(one.parameters(), lr=0.1, momentum=0.9)
x, y = next(iter(test))
for step in range(60):
    loss = nn.functional.cross_entropy(one(x), y)
    sgd.zero_grad()
    loss.backward()
    sgd.step()
print("one batch:", round(loss.item(), 4))
