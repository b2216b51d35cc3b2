"""Losses against a constant's, in runs that learn and runs that don't: for `loss-not-decreasing`.

    PYTHONPATH=src python benchmarks/calibration/loss_trend.py > loss_trend.jsonl

Trains small models for 150 and 400 steps, on digits and on made-up data. One JSON object a line:
the workload, whether it can learn, its loss over the last quarter as a share of the best constant
prediction's, and the fall over the second half, as a share of the constant's loss and in standard
errors.
"""

from __future__ import annotations

import json
import math

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load
from assay.journal.series import Series
from assay.signals.trend import trend

SEEDS = 3
Batch = tuple[torch.Tensor, torch.Tensor]


def digits(noise: float, size: int = 32):
    images, labels = load()
    x = (images - images.mean()) / images.std()

    def draw() -> Batch:
        i = torch.randint(0, len(x), (size,))
        y = labels[i].clone()
        wrong = torch.rand(size) < noise
        y[wrong] = torch.randint(0, 10, (int(wrong.sum()),))
        return x[i], y

    return draw


def rare(size: int = 64):
    w = torch.randn(16)

    def draw() -> Batch:
        x = torch.randn(size, 16)
        return x, (x @ w / 4 + 0.5 * torch.randn(size) > 2.0).long()

    return draw


def regression(explained: float, size: int = 32):
    w = torch.randn(12, 1) / 12**0.5

    def draw() -> Batch:
        x = torch.randn(size, 12)
        return x, explained**0.5 * (x @ w) + (1 - explained) ** 0.5 * torch.randn(size, 1)

    return draw


def text(size: int = 16, length: int = 24, letters: int = 30):
    table = (3 * torch.randn(letters, letters)).softmax(1)

    def draw() -> Batch:
        rows = [torch.randint(0, letters, (size,))]
        for _ in range(length):
            rows.append(torch.multinomial(table[rows[-1]], 1).squeeze(1))
        whole = torch.stack(rows, 1)
        return whole[:, :-1], whole[:, 1:]

    return draw


def mlp(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs)
    )


def deep(inputs: int, outputs: int) -> nn.Module:
    layers = [nn.Linear(inputs, 32), nn.Sigmoid()]
    for _ in range(5):
        layers += [nn.Linear(32, 32), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(32, outputs))


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.rnn, self.out = (
            nn.Embedding(30, 32),
            nn.GRU(32, 48, batch_first=True),
            nn.Linear(48, 30),
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.out(self.rnn(self.embed(tokens))[0]).transpose(1, 2)


def sgd(rate: float):
    return lambda p: torch.optim.SGD(p, lr=rate, momentum=0.9)


def adam(rate: float):
    return lambda p: torch.optim.Adam(p, lr=rate)


# name: (learns, data, model, optimizer)
WORKLOADS = {
    "digits, adam": (True, lambda: digits(0), lambda: mlp(64, 10), adam(1e-3)),
    "digits, adam 1e-4": (True, lambda: digits(0), lambda: mlp(64, 10), adam(1e-4)),
    "digits, sgd 0.01": (True, lambda: digits(0), lambda: mlp(64, 10), sgd(0.01)),
    "digits, sgd 0.001": (True, lambda: digits(0), lambda: mlp(64, 10), sgd(0.001)),
    "digits, half the labels wrong": (True, lambda: digits(0.5), lambda: mlp(64, 10), adam(1e-3)),
    "digits, 80 % of labels wrong": (True, lambda: digits(0.8), lambda: mlp(64, 10), adam(1e-3)),
    "rare class": (True, rare, lambda: mlp(16, 2), adam(1e-3)),
    "regression, 25 % explained": (True, lambda: regression(0.25), lambda: mlp(12, 1), adam(3e-3)),
    "regression, 5 % explained": (True, lambda: regression(0.05), lambda: mlp(12, 1), adam(1e-3)),
    "text, gru": (True, text, Reader, adam(3e-3)),
    "labels of other samples": (False, lambda: digits(1.0), lambda: mlp(64, 10), adam(1e-3)),
    "no relation": (False, lambda: regression(0.0), lambda: mlp(12, 1), adam(1e-3)),
    "rate 0": (False, lambda: digits(0), lambda: mlp(64, 10), sgd(0.0)),
    "rate 1e-7": (False, lambda: digits(0), lambda: mlp(64, 10), adam(1e-7)),
    "rate 5": (False, lambda: digits(0), lambda: mlp(64, 10), sgd(5.0)),
    "six sigmoid layers": (False, lambda: digits(0), lambda: deep(64, 10), sgd(0.01)),
}  # fmt: skip


def constant(targets: torch.Tensor) -> float:
    if targets.is_floating_point():
        return float(targets.var(correction=0))
    share = torch.bincount(targets.flatten()).float() / targets.numel()
    return float(-(share * share.clamp_min(1e-12).log()).sum())


def main() -> None:
    torch.set_num_threads(1)
    for name, (learns, data, model, optimizer) in WORKLOADS.items():
        for steps in (150, 400):
            for seed in range(SEEDS):
                torch.manual_seed(seed)
                draw, net = data(), model()
                step, losses, seen = optimizer(net.parameters()), Series(), []
                for i in range(steps):
                    x, y = draw()
                    loss = (F.mse_loss if y.is_floating_point() else F.cross_entropy)(net(x), y)
                    step.zero_grad()
                    loss.backward()
                    step.step()
                    losses.append(i, loss.item())
                    seen.append(y)
                found, floor = trend(losses.finite()), constant(torch.cat(seen))
                if found is None:
                    continue
                fall = found.fall / found.fall_error if found.fall_error else math.inf
                print(json.dumps({
                    "workload": name, "learns": learns, "steps": steps, "seed": seed,
                    "share": round(found.end / floor, 3), "fall": round(found.fall / floor, 4),
                    "errors": round(fall, 2),
                }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
