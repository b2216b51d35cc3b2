"""LoRA on a pretrained network: base frozen, A random, B zero, so that nothing changes at the
start.
"""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, r: int = 4, alpha: int = 8):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad = False
        self.lora_A = nn.Parameter(torch.empty(r, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scaling = alpha / r

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scaling


images, labels = load()
images = images / 8 - 1
rotated = images.view(-1, 8, 8).rot90(1, (1, 2)).flatten(1)

net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 10))
pretraining = torch.optim.Adam(net.parameters(), lr=2e-3)
for _ in range(200):
    i = torch.randint(1400, (64,))
    loss = F.cross_entropy(net(images[i]), labels[i])
    pretraining.zero_grad()
    loss.backward()
    pretraining.step()


def accuracy(x):
    with torch.no_grad():
        return (net(x[1400:]).argmax(1) == labels[1400:]).float().mean().item()


print(f"upright {accuracy(images):.3f}, turned {accuracy(rotated):.3f}")
for k, module in enumerate(net):
    if isinstance(module, nn.Linear):
        net[k] = LoRALinear(module)
trainable = [p for p in net.parameters() if p.requires_grad]
print(f"{sum(p.numel() for p in trainable)} weights train")
optimizer = torch.optim.AdamW(trainable, lr=1e-2, weight_decay=0.0)
for _ in range(round(350 * LENGTH)):
    i = torch.randint(1400, (64,))
    loss = F.cross_entropy(net(rotated[i]), labels[i])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"turned, with adapters: {accuracy(rotated):.3f}")
assert accuracy(rotated) > 0.75
