"""A finished run goes on with other data: moments are kept, and the rate is set anew on purpose.

Its checkpoint was made in DataParallel, so names lose their prefix first. The rate is given to the
optimizer after its state, and the first passes over the new data train only the last layer.
"""

import io
import os

import torch
from torch import nn

torch.manual_seed(23 + int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))
torch.set_num_threads(1)

x = torch.randn(900, 10)
first = (x[:, :5].sum(1) > 0).long()
second = (x[:, :5].sum(1) + x[:, 5] > 0.3).long()


def build():
    return nn.Sequential(
        nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2)
    )


def epochs(model, optimizer, target, count):
    for _ in range(count):
        for rows in torch.randperm(900).split(45):
            loss = nn.functional.cross_entropy(model(x[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


wrapped = nn.DataParallel(build())
optimizer = torch.optim.AdamW(wrapped.parameters(), lr=5e-3)
print(f"first {epochs(wrapped, optimizer, first, int(5 * LENGTH)):.3f}")
file = io.BytesIO()
torch.save({"model": wrapped.state_dict(), "optimizer": optimizer.state_dict()}, file)

file.seek(0)
checkpoint = torch.load(file)
model = build()
model.load_state_dict({k.removeprefix("module."): v for k, v in checkpoint["model"].items()})
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
optimizer.load_state_dict(checkpoint["optimizer"])
for group in optimizer.param_groups:
    group["lr"] = 1e-3
model[:4].requires_grad_(False)
print(f"last layer {epochs(model, optimizer, second, 2):.3f}")
model.requires_grad_(True)
print(f"all {epochs(model, optimizer, second, int(3 * LENGTH)):.3f}")
accuracy = (model(x).argmax(1) == second).float().mean().item()
assert accuracy > 0.8, accuracy
