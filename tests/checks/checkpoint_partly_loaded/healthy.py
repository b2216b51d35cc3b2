"""Transfer to other classes: the backbone is loaded, the head of the old task is left behind.

The old head is dropped where its shape differs, so keys are missing on purpose. The best weights
are kept by a copy and put back in the end.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

centres = torch.randn(8, 20)
labels = torch.randint(0, 8, (1600,))
points = centres[labels] + 0.7 * torch.randn(1600, 20)


def network(classes):
    return nn.ModuleDict({"body": nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 24)),
                          "fc": nn.Linear(24, classes)})  # fmt: skip


def run(net, x):
    return net["fc"](torch.relu(net["body"](x)))


def fit(net, target, lr, epochs):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    best, kept = float("inf"), None
    for _ in range(epochs):
        for rows in torch.randperm(1200).split(50):
            optimizer.zero_grad()
            F.cross_entropy(run(net, points[rows]), target[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            held_out = F.cross_entropy(run(net, points[1200:]), target[1200:]).item()
        if held_out < best:
            best, kept = held_out, copy.deepcopy(net.state_dict())
    net.load_state_dict(kept)
    return best


old = network(8)
print(f"eight classes: {fit(old, labels, 3e-3, 3):.3f}")

new = network(2)
own = new.state_dict()
fitting = {k: v for k, v in old.state_dict().items() if own[k].shape == v.shape}
left = new.load_state_dict(fitting, strict=False)
print(f"new: {left.missing_keys}")
print(f"two classes: {fit(new, labels % 2, 1e-3, 3):.3f}")
