"""Stochastic weight averaging: an equal average of the last epochs, its statistics made anew."""

import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

x = 3 + 2 * torch.randn(900, 10)
y = ((x[:, 0] - 3) * (x[:, 1] - 3) > 0).long()
train = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=50, shuffle=True)
valid = DataLoader(TensorDataset(x[700:], y[700:]), batch_size=50)

model = nn.Sequential(
    nn.BatchNorm1d(10), nn.Linear(10, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 2)
)
average = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
swa = SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
criterion = nn.CrossEntropyLoss()
for epoch in range(14):
    model.train()
    for a, b in train:
        optimizer.zero_grad()
        loss = criterion(model(a), b)
        loss.backward()
        optimizer.step()
    if epoch >= 8:
        average.update_parameters(model)
        swa.step()
    else:
        decay.step()

update_bn(train, average)
average.eval()
with torch.no_grad():
    right = sum((average(a).argmax(1) == b).sum().item() for a, b in valid)
print(f"average right in {right / 200:.1%}, last loss {loss.item():.3f}")
