"""Strong dropout: the training loss is several times the held-out loss, by the mode alone."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(29)
torch.set_num_threads(1)

x = torch.randn(2000, 24)
y = (x[:, :8].sum(1) > 0).long() + (x[:, 8:16].sum(1) > 0).long()
train = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=50, shuffle=True)
held = DataLoader(TensorDataset(x[1600:], y[1600:]), batch_size=100)


class Dropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(24, 128)
        self.leave = nn.Linear(128, 3)

    def forward(self, x):
        x = F.dropout(x, 0.4, self.training)
        return self.leave(F.dropout(F.relu(self.enter(x)), 0.6, self.training))


model = Dropped()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for inputs, labels in train:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        known = [F.cross_entropy(model(inputs), labels).item() for inputs, labels in held]
    print(f"epoch {epoch}: train {loss.item():.3f}, held out {sum(known) / len(known):.3f}")
