"""Private training (DP-SGD, Abadi et al. 2016) by hand: one backward pass for each sample.

Each sample's gradient is clipped and taken away; before the step all gradients are cleared, and the
noisy sum is put in their place.
"""

import torch
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)

x = torch.randn(512, 8)
y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).long()
net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2))
opt = torch.optim.SGD(net.parameters(), lr=1.0)
LIMIT, NOISE, BATCH = 1.0, 0.3, 16

for step in range(160):
    total = [torch.zeros_like(p) for p in net.parameters()]
    losses = []
    for i in torch.randint(0, len(x), (BATCH,)).tolist():
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i : i + 1]), y[i : i + 1])
        loss.backward()
        losses.append(loss.item())
        norm = torch.stack([p.grad.norm() for p in net.parameters()]).norm()
        for kept, p in zip(total, net.parameters()):
            kept += p.grad * min(1.0, LIMIT / norm.item())
    opt.zero_grad()
    for kept, p in zip(total, net.parameters()):
        p.grad = (kept + NOISE * LIMIT * torch.randn_like(kept)) / BATCH
    opt.step()
    if step % 40 == 0:
        print(step, sum(losses) / BATCH)

accuracy = (net(x).argmax(1) == y).float().mean().item()
print(f"accuracy {accuracy:.2f}")
