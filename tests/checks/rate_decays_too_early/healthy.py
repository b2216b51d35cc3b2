"""Two phases with a rate set by hand: the slow second one is a hundredth, and still learns.

The old weights' group is shut off after a third of the run, on purpose: the new head goes on.
"""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(640, 14)
y = torch.tanh(x @ torch.randn(14, 3)).sum(1).gt(0).long()
old, new = nn.Sequential(nn.Linear(14, 32), nn.ReLU()), nn.Linear(32, 2)
optimizer = torch.optim.SGD(
    [{"params": old.parameters(), "lr": 0.1}, {"params": new.parameters(), "lr": 0.1}], momentum=0.9
)
for epoch in range(18):
    optimizer.param_groups[0]["lr"] = 0.1 if epoch < 6 else 0.0
    optimizer.param_groups[1]["lr"] = 0.1 if epoch < 6 else 0.001
    for rows in torch.randperm(640).split(32):
        loss = nn.functional.cross_entropy(new(old(x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f}")
