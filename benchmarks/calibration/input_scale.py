"""How far inputs may be from unit scale before training suffers: for `input-not-normalised`.

    python benchmarks/calibration/input_scale.py > input_scale.jsonl

Trains small networks on the bundled digits, standardised and then multiplied or shifted, with the
learning rates people use. Prints, for each root mean square of the input, the training loss
relative to that of standardised inputs after as many steps, one JSON object a line. A set-up whose
loss is more than ten times as high counts as broken.
"""

from __future__ import annotations

import json
import statistics

import torch
from torch import nn

from assay.demo.digits import load

STEPS, SEEDS = 300, 3
OPTIMIZERS = {
    "sgd 0.1": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum 0.01": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "adam 1e-3": lambda p: torch.optim.Adam(p, lr=1e-3),
    "adamw 3e-4": lambda p: torch.optim.AdamW(p, lr=3e-4),
}
# (scale, shift): the input is scale * (standardised + shift)
INPUTS = [(1, 0), (4, 0), (8, 0), (16, 0), (24, 0), (32, 0), (64, 0), (128, 0), (100, 1.3),
          (1, 1), (1, 2), (1, 4), (1, 8), (1, 12), (1, 16), (0.3, 0.4), (0.3, 1.2)]  # fmt: skip


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def final_loss(make: type, optimizer: str, x: torch.Tensor, y: torch.Tensor, seed: int) -> float:
    torch.manual_seed(seed)
    model = make()
    step = OPTIMIZERS[optimizer](model.parameters())
    losses = []
    for _ in range(STEPS):
        i = torch.randint(0, len(x), (64,))
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(loss.item())
    mean = statistics.fmean(losses[-30:])
    return mean if mean == mean else float("inf")


def main() -> None:
    torch.set_num_threads(1)
    images, labels = load()
    x, y = torch.as_tensor(images).float().reshape(-1, 64), torch.as_tensor(labels).long()
    x = (x - x.mean()) / x.std()
    plain: dict[str, float] = {}
    for scale, shift in INPUTS:
        given = scale * (x + shift)
        ratios = {}
        for make in (mlp, cnn):
            for name in OPTIMIZERS:
                key = f"{make.__name__} {name}"
                loss = statistics.median(
                    final_loss(make, name, given, y, seed) for seed in range(SEEDS)
                )
                plain.setdefault(key, loss)
                ratios[key] = round(loss / plain[key], 2)
        rms = given.square().mean().sqrt().item()
        broken = sum(ratio > 10 for ratio in ratios.values()) / len(ratios)
        print(json.dumps({"scale": scale, "shift": shift, "rms": round(rms, 2),
                          "broken": broken, "loss_ratio": ratios}), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
