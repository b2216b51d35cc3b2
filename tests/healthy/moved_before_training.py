"""A schedule that is moved to where it should go on before the first step, restarts of a cosine set
by fractions of an epoch before each batch, and a one-cycle rate in between.
"""

import os
import warnings

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

seed, length = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(seed)
torch.set_num_threads(1)
warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")

x = torch.randn(640, 10)
y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).float().unsqueeze(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(10, 48), nn.Tanh(), nn.Linear(48, 1))
criterion = nn.BCEWithLogitsLoss()


def batches(optimizer, epochs, before=lambda time: None, after=lambda: None):
    for epoch in range(epochs):
        for number, (a, b) in enumerate(loader):
            before(epoch + number / len(loader))
            optimizer.zero_grad()
            loss = criterion(model(a), b)
            loss.backward()
            optimizer.step()
            after()
    return loss.item()


epochs = max(int(6 * length), 2)
sgd = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
polynomial = lr_scheduler.PolynomialLR(sgd, total_iters=30 + epochs * len(loader), power=2)
for _ in range(30):
    polynomial.step()
print("polynomial", batches(sgd, epochs, after=polynomial.step))

adam = torch.optim.Adam(model.parameters(), lr=1e-4)
cycle = lr_scheduler.OneCycleLR(adam, 5e-3, epochs=epochs, steps_per_epoch=len(loader))
print("one cycle", batches(adam, epochs, after=cycle.step))

sgd = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
restarts = lr_scheduler.CosineAnnealingWarmRestarts(sgd, T_0=2)
print("restarts", batches(sgd, epochs, before=restarts.step))
with torch.no_grad():
    final = criterion(model(x), y).item()
assert final < 0.4, final
