"""Which of six dialects is a bag of words from? A bottleneck network, against over-fitting."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(21)
torch.set_num_threads(1)

HABITS = torch.softmax(1.5 * torch.randn(6, 80), 1)


def letters(count):
    dialect = torch.randint(0, 6, (count,))
    words = torch.multinomial(HABITS[dialect], 30, replacement=True)
    bags = nn.functional.one_hot(words, 80).sum(1).float()
    return TensorDataset((bags - bags.mean(0)) / (bags.std(0) + 1e-3), dialect)


network = nn.Sequential(
    nn.Linear(80, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 6)
)
optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
for epoch in range(12):
    for bags, dialect in DataLoader(letters(960), batch_size=48, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(bags), dialect)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
