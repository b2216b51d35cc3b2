"""Super-convergence: a CNN with BatchNorm, SGD with Nesterov momentum, one cycle up to a very high
rate.
"""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
epochs = round(5 * float(os.environ.get("LENGTH", "1")))


def conv_bn(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(conv_bn(c, c), conv_bn(c, c))

    def forward(self, x):
        return x + self.body(x)


images, labels = load()
images = ((images - 4.9) / 6.0).view(-1, 1, 8, 8)
train = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=100, shuffle=True)
test = DataLoader(TensorDataset(images[1400:], labels[1400:]), batch_size=400)

model = nn.Sequential(
    conv_bn(1, 12),
    Residual(12),
    nn.MaxPool2d(2),
    conv_bn(12, 24),
    nn.AdaptiveMaxPool2d(1),
    nn.Flatten(),
    nn.Linear(24, 10),
)
optimizer = torch.optim.SGD(
    model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
)
scheduler = OneCycleLR(optimizer, max_lr=0.4, epochs=epochs, steps_per_epoch=len(train))
for epoch in range(epochs):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in test:
            out = model(x)
            F.cross_entropy(out, y)
            correct += (out.argmax(1) == y).sum().item()
    print(f"epoch {epoch} train loss {loss.item():.3f} accuracy {correct / 397:.3f}")
assert correct / 397 > 0.85
