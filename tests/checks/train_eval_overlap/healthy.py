"""After each epoch the loss is taken anew on the training set and on the held-out one."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(67)
torch.set_num_threads(1)

centres = torch.randn(5, 12)
labels = torch.randint(0, 5, (700,))
points = centres[labels] + 0.9 * torch.randn(700, 12)
train_x, train_y = points[:500], labels[:500]
test_x, test_y = points[500:], labels[500:]

model = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)


def measure(x, y):
    model.eval()
    with torch.no_grad():
        losses = [F.cross_entropy(model(a), b) for a, b in zip(x.split(100), y.split(100))]
    model.train()
    return torch.stack(losses).mean().item()


for epoch in range(10):
    for rows in torch.randperm(500).split(25):
        loss = F.cross_entropy(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {measure(train_x, train_y):.3f}, {measure(test_x, test_y):.3f}")
