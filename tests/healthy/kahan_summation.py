"""Weights in bfloat16 alone: what rounding takes from an update is kept, and added to the next.

Zamirai et al. 2020, "Revisiting BFloat16 Training". Most steps change few weights in any bit, and
none of the update is lost.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))


class KahanAdam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    for name in ("mean", "square"):
                        state[name] = torch.zeros_like(p, dtype=torch.float32)
                    state["rest"] = torch.zeros_like(p)
                state["step"] += 1
                gradient = p.grad.float()
                state["mean"].lerp_(gradient, 1 - beta1)
                state["square"].lerp_(gradient.square(), 1 - beta2)
                mean = state["mean"] / (1 - beta1 ** state["step"])
                size = (state["square"] / (1 - beta2 ** state["step"])).sqrt()
                state["rest"].sub_((group["lr"] * mean / (size + group["eps"])).bfloat16())
                before = p.clone()
                p.add_(state["rest"])
                state["rest"].add_(before - p)


images, labels = load()
images = ((images - images.mean()) / images.std()).bfloat16()
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).bfloat16()
optimizer = KahanAdam(model.parameters(), lr=3e-4)
for epoch in range(round(10 * float(os.environ.get("LENGTH", "1")))):
    for rows in torch.randperm(1400).split(40):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[rows]).float(), labels[rows])
        loss.backward()
        optimizer.step()
accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}")
assert accuracy > 0.8
