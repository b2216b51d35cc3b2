"""One example a step on an easy task: most gradients are nearly zero, a hard example's is not."""

import os

import torch
from torch import nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = images / 16
net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.05)
wrong = 0
for epoch in range(round(3 * float(os.environ.get("LENGTH", "1")))):
    wrong = 0
    for i in torch.randperm(1200):
        out = net(images[i][None])
        loss = nn.functional.cross_entropy(out, labels[i][None])
        opt.zero_grad()
        loss.backward()
        opt.step()
        wrong += int(out.argmax() != labels[i])
    print("epoch", epoch, "mistakes", wrong)
acc = (net(images[1200:]).argmax(1) == labels[1200:]).float().mean().item()
print("accuracy", acc)
assert acc > 0.8
