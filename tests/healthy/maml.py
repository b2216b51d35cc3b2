"""Model-agnostic meta-learning of sine waves: the inner loop steps by autograd.grad, the outer by
Adam.
"""

import math
import os

import torch
from torch import nn
from torch.func import functional_call

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
META_STEPS = round(250 * float(os.environ.get("LENGTH", "1")))
INNER_LR = 0.1


def task():
    amplitude, phase = 0.5 + 2 * torch.rand(()), math.pi * torch.rand(())

    def sample(k):
        x = 10 * torch.rand(k, 1) - 5
        return x / 5, amplitude * torch.sin(x + phase)

    return sample


model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
mse = nn.functional.mse_loss


def adapt(params, x, y, create_graph):
    for _ in range(1):
        loss = mse(functional_call(model, params, (x,)), y)
        grads = torch.autograd.grad(loss, list(params.values()), create_graph=create_graph)
        params = {k: p - INNER_LR * g for (k, p), g in zip(params.items(), grads, strict=True)}
    return params


meta_opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for it in range(META_STEPS):
    meta_opt.zero_grad()
    meta_loss = 0.0
    for _ in range(4):
        sample = task()
        fast = adapt(dict(model.named_parameters()), *sample(10), create_graph=True)
        xq, yq = sample(10)
        meta_loss = meta_loss + mse(functional_call(model, fast, (xq,)), yq) / 4
    meta_loss.backward()
    meta_opt.step()

before = after = 0.0
for _ in range(40):
    sample = task()
    params = {k: p.detach().requires_grad_() for k, p in model.named_parameters()}
    x, y = sample(100)
    before += mse(functional_call(model, params, (x,)), y).item() / 40
    after += (
        mse(functional_call(model, adapt(params, *sample(10), create_graph=False), (x,)), y).item()
        / 40
    )
print(f"error on a new task: {before:.3f}, after one step {after:.3f}")
assert after < before
