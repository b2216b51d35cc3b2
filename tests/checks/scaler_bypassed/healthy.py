"""A loss scale taken back by hand: the optimizer steps by itself, and on the right gradients.

Micikevicius et al. 2018, section 3.2. The scaler serves as a place to keep the scale. Gradients are
looked at before the step, so that one that overflowed leaves the weights alone.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(5)
torch.set_num_threads(1)

x = torch.randn(900, 12)
y = (x[:, :4].sum(1) > 0).long() + (x[:, 4:8].sum(1) > 0).long()
net = nn.Sequential(nn.Linear(12, 40), nn.GELU(), nn.Linear(40, 3))
sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)

for epoch in range(8):
    for rows in torch.randperm(900).split(45):
        sgd.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            loss = F.cross_entropy(net(x[rows]), y[rows])
        scaler.scale(loss).backward()
        finite = True
        for p in net.parameters():
            p.grad.data.div_(scaler.get_scale())
            finite = finite and bool(p.grad.isfinite().all())
        if finite:
            sgd.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
assert loss.item() < 0.4
