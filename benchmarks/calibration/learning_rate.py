"""Step quality and sharpness over a sweep of rates: for `learning-rate-too-high` and `-too-low`.

    PYTHONPATH=src python benchmarks/calibration/learning_rate.py > learning_rate.jsonl
    PYTHONPATH=src python benchmarks/calibration/learning_rate.py --table learning_rate.jsonl

Trains eight small models with SGD, momentum, Adam and AdamW at rates a factor 3.16 apart, watched
as `assay check` would. One JSON object a line: task, optimizer, rate, first and last loss,
quartiles of the step quality, rate x sharpness over its limit at the last measurement, and what
the two checks say. The table marks the best rate of each sweep and those within a factor 3 of it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from assay import seams
from assay.checks.optimizer.learning_rate_too_high import LearningRateTooHigh
from assay.checks.optimizer.learning_rate_too_low import LearningRateTooLow
from assay.demo.digits import load
from assay.journal.reader import read_run
from assay.journal.view import RunView
from assay.journal.writer import Journal
from assay.probes.catalogue import PROBES
from assay.watching.watch import Watch

STEPS = 300
Batch = tuple[torch.Tensor, torch.Tensor]
Task = tuple[nn.Module, Callable[[], Batch], Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]


# -- tasks: a model, batches, a loss ------------------------------------------------------------


def digits(size: int, shape: tuple[int, ...] = (64,)) -> Callable[[], Batch]:
    images, labels = load()
    images = ((images - images.mean()) / images.std()).view(-1, *shape)

    def draw() -> Batch:
        i = torch.randint(0, len(images), (size,))
        return images[i], labels[i]

    return draw


def mlp() -> Task:
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    return model, digits(64), F.cross_entropy


def logistic() -> Task:
    return nn.Linear(64, 10), digits(32), F.cross_entropy


def deep_mlp() -> Task:
    layers: list[nn.Module] = []
    for _ in range(8):
        layers += [nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU()]
    return nn.Sequential(*layers, nn.Linear(64, 10)), digits(32), F.cross_entropy


def cnn() -> Task:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(256, 10),
    )  # fmt: skip
    return model, digits(32, (1, 8, 8)), F.cross_entropy


class Reader(nn.Module):
    """Reads a digit row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 32, batch_first=True)
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.lstm(x)
        return self.head(states[:, -1])


def lstm() -> Task:
    return Reader(), digits(32, (8, 8)), F.cross_entropy


class Transformer(nn.Module):
    """Rows of a digit as tokens, one pre-norm block written out."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.embed, self.place = nn.Linear(8, width), nn.Parameter(torch.zeros(8, width))
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x) + self.place
        q, k, v = self.qkv(self.norms[0](x)).chunk(3, dim=-1)
        x = x + self.out((q @ k.transpose(-2, -1) / 32**0.5).softmax(-1) @ v)
        x = x + self.down(F.gelu(self.up(self.norms[1](x))))
        return self.head(self.norms[2](x).mean(1))


def transformer() -> Task:
    return Transformer(), digits(32, (8, 8)), F.cross_entropy


def made_up(size: int, noise: float) -> Callable[[], Batch]:
    teacher = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)).requires_grad_(False)

    def draw() -> Batch:
        x = torch.randn(size, 8)
        return x, 3 * teacher(x) + noise * torch.randn(size, 1)

    return draw


def regression() -> Task:
    model = nn.Sequential(
        nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    )
    return model, made_up(32, 0.1), F.mse_loss


def tiny_batches() -> Task:
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    return model, digits(4), F.cross_entropy


TASKS = (mlp, logistic, deep_mlp, cnn, lstm, transformer, regression, tiny_batches)

Make = Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer]
OPTIMIZERS: dict[str, tuple[Make, Any]] = {
    "sgd": (lambda p, lr: torch.optim.SGD(p, lr=lr), (-4, 2)),
    "momentum": (lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9), (-5, 1)),
    "adam": (lambda p, lr: torch.optim.Adam(p, lr=lr), (-6, 0)),
    "adamw": (lambda p, lr: torch.optim.AdamW(p, lr=lr), (-6, 0)),
}  # fmt: skip


def observe(
    task: Callable[[], Task], optimizer: str, rate: float, seed: int, steps: int
) -> RunView:
    """Trains under assay's seams and probes and reads what they wrote."""
    torch.manual_seed(seed)
    model, draw, criterion = task()
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder)
        hub = seams.Hub(
            lambda where, error, by: journal.put("error", where=where, error=repr(error))
        )
        watch = Watch(hub, journal, {})
        patches = seams.install(hub)
        watch.attach(PROBES)
        try:
            stepper = OPTIMIZERS[optimizer][0](model.parameters(), rate)
            for _ in range(steps):
                x, y = draw()
                loss = criterion(model(x), y)
                stepper.zero_grad()
                loss.backward()
                stepper.step()
        finally:
            patches.undo()
            watch.finish()
            journal.close()
        return read_run(Path(folder))


def describe(view: RunView) -> dict[str, Any]:
    """The numbers of one run that a limit could rest on."""
    training = view.trainings[0]
    losses = list(training.series("loss").values)
    tail = losses[-len(losses) // 10 :]
    quality = sorted(training.series("step_quality").finite().values)
    stress = [
        value / limit
        for (_, value), (_, limit) in zip(
            training.series("rate_times_sharpness"), training.series("stability_limit"), strict=True
        )
    ]
    named = [f.check for c in (LearningRateTooHigh(), LearningRateTooLow()) for f in c.review(view)]
    return {
        "first": fmean(losses[:5]),
        "last": fmean(tail) if all(map(math.isfinite, tail)) else math.inf,
        "quality": [quality[int(q * (len(quality) - 1))] for q in (0.25, 0.5, 0.75) if quality],
        "below_zero": sum(r < 0 for r in quality),
        "stress": stress,
        "named": named,
        "errors": view.errors,
    }  # fmt: skip


def sweep(steps: int, seed: int) -> None:
    for task in TASKS:
        for optimizer, (_, (low, high)) in OPTIMIZERS.items():
            for half in range(2 * low, 2 * high + 1):
                rate = 10 ** (half / 2)
                row = describe(observe(task, optimizer, rate, seed, steps))
                print(json.dumps({"task": task.__name__, "optimizer": optimizer, "rate": rate,
                                  "steps": steps, "seed": seed, **row}), flush=True)  # fmt: skip


Row = dict[str, Any]


def table(rows: list[Row]) -> None:
    """Prints the rows as markdown, and under it how often what was named."""
    print(
        "| task | optimizer | rate | loss first | last | r quartiles | r < 0 "
        "| lr x sharpness / limit | named | |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    counts: dict[str, list[int]] = {}  # of a range of rates: all, too high, too low
    for key in dict.fromkeys((r["task"], r["optimizer"]) for r in rows):
        mine = [r for r in rows if (r["task"], r["optimizer"]) == key]
        best = min(mine, key=lambda r: r["last"])
        for r in mine:
            factor = r["rate"] / best["rate"]
            place = place_of(factor)
            named = [name.removeprefix("learning-rate-") for name in r["named"]]
            stress = f"{r['stress'][-1]:.2g}" if r["stress"] else "-"
            print(
                f"| {r['task']} | {r['optimizer']} | {r['rate']:.2g} | {r['first']:.3g} | "
                f"{r['last']:.3g} | {' '.join(f'{q:.2f}' for q in r['quality'])} | "
                f"{r['below_zero']} | {stress} | {', '.join(named)} | {MARKS.get(place, '')} |"
            )
            count = counts.setdefault(place, [0, 0, 0])
            for i, counted in enumerate((True, "too-high" in named, "too-low" in named)):
                count[i] += counted
    print("\n| rate | all | named too high | named too low |\n|---|---|---|---|")
    for place in PLACES:
        print(f"| {place} | {' | '.join(map(str, counts.get(place, [0, 0, 0])))} |")


PLACES = ("at least 30 times below", "10 times below", "best", "within a factor 3",
          "at least 10 times above")  # fmt: skip
MARKS = {"best": "**best**", "within a factor 3": "near"}


def place_of(factor: float) -> str:
    """Where a rate lies, as a factor of the best one; rates are a factor 3.16 apart."""
    if factor < 0.05:
        return PLACES[0]
    if factor < 0.3:
        return PLACES[1]
    if factor > 5:
        return PLACES[4]
    return PLACES[2] if 0.9 < factor < 1.1 else PLACES[3]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.table is not None:
        with options.table.open(encoding="utf-8") as file:
            table([json.loads(line) for line in file])
        return
    torch.set_num_threads(1)
    sweep(options.steps, options.seed)


if __name__ == "__main__":
    sys.exit(main())
