"""An average of the weights by hand, over few steps: its decay warms up with their number, so that
it follows at once; running statistics are copied. Two optimizers share one warm-up.
"""

import copy
import os

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LinearLR

seed, length = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(seed)
torch.set_num_threads(1)

x = torch.randn(1200, 16)
y = (x[:, :4].sum(1) + x[:, 4] * x[:, 5] > 0).long()
x_val, y_val = x[1000:], y[1000:]

body = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU())
head = nn.Linear(32, 2)
model = nn.Sequential(body, head)
average = copy.deepcopy(model).requires_grad_(False)
sgd = torch.optim.SGD(body.parameters(), lr=0.1, momentum=0.9)
adam = torch.optim.Adam(head.parameters(), lr=0.01)
warmup = LinearLR(sgd, start_factor=1e-6, total_iters=12)


@torch.no_grad()
def follow(step):
    decay = min(0.9999, (1 + step) / (10 + step))
    for slow, fast in zip(average.parameters(), model.parameters()):
        slow.lerp_(fast, 1 - decay)
    for slow, fast in zip(average.buffers(), model.buffers()):
        slow.copy_(fast)


step = 0
for epoch in range(max(int(8 * length), 2)):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        sgd.zero_grad()
        adam.zero_grad()
        loss.backward()
        sgd.step()
        adam.step()
        warmup.step()
        adam.param_groups[0]["lr"] = 0.1 * warmup.get_last_lr()[0]
        step += 1
        follow(step)
    average.eval()
    with torch.no_grad():
        right = (average(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: {loss.item():.3f}, average right in {right:.1%}")
assert right > 0.75
