"""One schedule a batch, one a whole epoch, and one each four batches, all as their numbers count.

The last is a cosine with a half period of 20 batches, on purpose shorter than an epoch.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(480, 16)
y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).long()
EPOCHS = 5
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)


def train(name, lr, make, every=1, per_epoch=False):
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = make(optimizer)
    for epoch in range(EPOCHS):
        for number, (a, b) in enumerate(loader):
            loss = F.cross_entropy(model(a), b) / every
            loss.backward()
            if number % every == every - 1:
                optimizer.step()
                optimizer.zero_grad()
                if not per_epoch:
                    scheduler.step()
        if per_epoch:
            scheduler.step()
    print(f"{name}: {F.cross_entropy(model(x), y).item():.3f} at {scheduler.get_last_lr()[0]:.2e}")


total = EPOCHS * len(loader)
train("one cycle", 0.01, lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=total))
train("steps", 0.05, lambda o: lr_scheduler.StepLR(o, step_size=2, gamma=0.3), per_epoch=True)
train("accumulated", 0.05, lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=total // 4), every=4)
train("cycles", 0.05, lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=20))
