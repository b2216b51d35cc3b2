"""After nine epochs a table is read again, this time sorted; the labels with it."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(41)
torch.set_num_threads(1)


class Table:
    """Rows and what is asked of them, as a file would hold them."""

    def __init__(self, rows=800):
        self.features = torch.randn(rows, 12)
        self.kind = (self.features[:, :6].view(rows, 3, 2).sum(2)).argmax(1)

    def read(self, sort_by=None):
        if sort_by is None:
            return self.features, torch.arange(len(self.features))
        order = self.features[:, sort_by].argsort()
        return self.features[order], order


table = Table()
features, _ = table.read()
labels = table.kind
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(18):
    if epoch == 9:
        features, order = table.read(sort_by=11)
        labels = table.kind[order]
    total = 0.0
    for x, y in DataLoader(TensorDataset(features, labels), batch_size=40, shuffle=True):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / 20:.3f}")
