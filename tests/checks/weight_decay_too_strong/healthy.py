"""Strong decay on weights that a batch norm rescales: they shrink, and nothing is lost by it.

Van Laarhoven 2017. The norm divides by the size of the weights, so decay only lengthens the steps.
"""

import torch
from torch import nn

torch.manual_seed(22)
torch.set_num_threads(1)

x = torch.randn(1500, 20)
y = ((x[:, 0] > 0).long() + 2 * (x[:, 1] + x[:, 2] > 0).long()).clamp(max=3)
body = nn.Sequential(
    nn.Linear(20, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
    nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
)  # fmt: skip
head = nn.Linear(64, 4)
optimizer = torch.optim.SGD(
    [
        {"params": [p for p in body.parameters() if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in body.parameters() if p.ndim == 1]},
        {"params": head.parameters()},
    ],
    lr=0.05,
    momentum=0.9,
)
for epoch in range(10):
    for rows in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(head(body(x[rows])), y[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.3f}, weights {body[0].weight.norm().item():.2f}")
assert loss.item() < 0.8
