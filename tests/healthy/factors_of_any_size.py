"""LambdaLR with factors far from 1, on purpose: one optimizer's rate is that of a batch of one, and
the factor is the batch size; the other's is 10, and the factor makes it small.
"""

import os

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

seed, length = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(seed)
torch.set_num_threads(1)

BATCH, RATE_OF_ONE = 64, 1e-3
total = max(int(400 * length), 100)
x = torch.randn(2048, 20)
y = (x @ torch.randn(20, 5)).argmax(1)


def linear_scaling(step):
    """Goyal et al. 2017: the rate grows with the batch, after a warm-up from the rate of one."""
    return 1 + (BATCH - 1) * min(step / (0.05 * total), 1.0)


def train(optimizer, scheduler, model):
    for _ in range(total):
        rows = torch.randint(0, 2048, (BATCH,))
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return nn.functional.cross_entropy(model(x), y).item()


def network():
    return nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 5))


model = network()
sgd = torch.optim.SGD(model.parameters(), lr=RATE_OF_ONE, momentum=0.9)
large = train(sgd, LambdaLR(sgd, linear_scaling), model)

model = network()
sgd = torch.optim.SGD(model.parameters(), lr=10.0)
small = train(sgd, LambdaLR(sgd, lambda step: 0.02 * (1 - step / total) + 1e-4), model)
print(f"after {total} steps: {large:.4f} and {small:.4f}")
assert max(large, small) < 0.7
