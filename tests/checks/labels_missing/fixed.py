"""Rows lie in the file sorted by species, and are shuffled before a fifth is held out."""

import torch
from torch import nn

torch.manual_seed(29)
torch.set_num_threads(1)

SPECIES, EACH = 5, 160
centres = 2 * torch.randn(SPECIES, 12)
labels = torch.arange(SPECIES).repeat_interleave(EACH)
leaves = centres[labels] + torch.randn(SPECIES * EACH, 12)

order = torch.randperm(len(leaves))
leaves, labels = leaves[order], labels[order]
cut = int(0.8 * len(leaves))
train_x, train_y = leaves[:cut], labels[:cut]
test_x, test_y = leaves[cut:], labels[cut:]

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, SPECIES))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(12):
    model.train()
    for rows in torch.randperm(cut).split(32):
        loss = loss_fn(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held = loss_fn(model(test_x), test_y)
    print(f"epoch {epoch}: training {loss.item():.3f}, held out {held.item():.3f}")
