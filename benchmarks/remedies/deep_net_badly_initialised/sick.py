"""A twelve-layer ReLU network with the weight scale of an old tutorial."""

import itertools

import torch
from torch import nn

from assay.demo import digits

torch.manual_seed(3)
torch.set_num_threads(1)

config = {
    "data": {"train": 1500, "batch": 50},
    "model": {"width": 64, "depth": 12, "init_std": 0.02},
    "training": {"rate": 1e-3, "epochs": 8},
}


def build(width, depth, init_std):
    sizes = [64] + [width] * depth
    blocks = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layer = nn.Linear(fan_in, fan_out)
        nn.init.normal_(layer.weight, std=init_std)
        nn.init.zeros_(layer.bias)
        blocks.append(nn.Sequential(layer, nn.ReLU()))
    return nn.Sequential(*blocks, nn.Linear(width, 10))


def run(cfg):
    images, labels = digits.load()
    count = cfg["data"]["train"]
    images = (images[:count] - images[:count].mean()) / images[:count].std()
    labels = labels[:count]
    network = build(**cfg["model"])
    optimiser = torch.optim.Adam(network.parameters(), lr=cfg["training"]["rate"])
    history = []
    for _ in range(cfg["training"]["epochs"]):
        for chunk in torch.randperm(count).split(cfg["data"]["batch"]):
            optimiser.zero_grad()
            cost = nn.functional.cross_entropy(network(images[chunk]), labels[chunk])
            cost.backward()
            optimiser.step()
            history.append(cost.item())
    return history


history = run(config)
print(f"first {history[0]:.3f} last {sum(history[-20:]) / 20:.3f}")
