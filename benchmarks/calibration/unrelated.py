"""Whether two simple models see that targets belong to inputs: `labels-unrelated-to-inputs`.

    PYTHONPATH=src python benchmarks/calibration/unrelated.py > unrelated.jsonl

One JSON object a line: the task, rows, whether the targets are the inputs' own, and by how many
standard errors the nearest rows and a linear model tell them better than chance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from assay.demo.digits import load
from assay.probes.data.neighbours import compare

SEEDS, ROWS = 20, (256, 512, 1024)
Task = Callable[[int], tuple[Tensor, Tensor]]


def blobs(n: int) -> tuple[Tensor, Tensor]:
    y = torch.randint(0, 10, (n,))
    return 1.0 * torch.randn(10, 32)[y] + 2 * torch.randn(n, 32), y


def digits(n: int) -> tuple[Tensor, Tensor]:
    x, y = load()
    chosen = torch.randperm(len(x))[:n]
    return x[chosen], y[chosen]


def noisy_labels(n: int) -> tuple[Tensor, Tensor]:
    x, y = blobs(n)
    return x, torch.where(torch.rand(n) < 0.6, torch.randint(0, 10, (n,)), y)


def rare(n: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, 16)
    return x, (x[:, 0] + x[:, 1] + 0.5 * torch.randn(n) > 2.2).long()


def line(n: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, 20)
    return x, x[:, 0] - x[:, 1] + 3 * torch.randn(n)


def waves(n: int) -> tuple[Tensor, Tensor]:
    x = torch.rand(n, 3)
    return x, torch.sin(8 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * torch.randn(n)


def exclusive_or(n: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, 4)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def parity(n: int) -> tuple[Tensor, Tensor]:
    """What neither of the two can see."""
    x = torch.randint(0, 2, (n, 20)).float()
    return x + 0.01 * torch.randn(n, 20), x[:, :6].sum(1).long() % 2


TASKS: list[Task] = [blobs, digits, noisy_labels, rare, line, waves, exclusive_or, parity]


def rows() -> Iterator[dict[str, object]]:
    """Yields each task with its own targets, and with those of other rows."""
    for seed in range(SEEDS):
        for task in TASKS:
            for n in ROWS:
                for own in (True, False):
                    torch.manual_seed(seed)
                    x, y = task(n)
                    y = y if own else y[torch.randperm(n)]
                    found = compare(x, y, labels=not y.is_floating_point())
                    told = found and {k: found[k] for k in ("by_neighbours", "by_line")}
                    yield {"task": task.__name__, "rows": n, "own": own, "seed": seed, **told}


if __name__ == "__main__":
    for row in rows():
        print(json.dumps(row))
