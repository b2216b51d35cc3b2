"""How a loss falls where targets belong to other inputs, and where they are the inputs' own.

    PYTHONPATH=src python benchmarks/calibration/by_heart.py --runs 400 > by_heart.jsonl
    PYTHONPATH=src python benchmarks/calibration/by_heart.py --read by_heart.jsonl

Small networks of drawn width, rate, optimizer, batch and dropout learn the tasks of `unrelated.py`.
One JSON object a line: the task, whether the targets are the inputs' own, whether one of the two
simple models tells them, and in shares of a constant prediction's loss what `OverEpochs` says.

Of 367 runs (2026-11-28): with targets of other inputs 110 losses fell, 62 of them by heart alone;
with the inputs' own 173 fell, 20 by heart alone. Of these the two simple models told all but nine,
which learnt the parity of 6 of 20 bits by heart: no new sample is told by what they know.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import unrelated
from torch import Tensor, nn

from assay.checks.data.labels_unrelated_to_inputs import LabelsUnrelatedToInputs
from assay.probes.data.neighbours import compare
from assay.signals.by_heart import over_epochs

CHECK = LabelsUnrelatedToInputs()
EPOCHS = 20


def trained(x: Tensor, y: Tensor, batch: int, drawn: random.Random) -> list[float]:
    """Returns the loss of each step, of a constant prediction's."""
    labels = not y.is_floating_point()
    width, rate, drop = drawn.choice((64, 256)), 10 ** drawn.uniform(-4, -2), drawn.choice((0, 0.3))
    classes = int(y.max()) + 1 if labels else 1
    model = nn.Sequential(
        nn.Linear(x.shape[1], width), nn.ReLU(), nn.Dropout(drop),
        nn.Linear(width, width), nn.ReLU(), nn.Linear(width, classes),
    )  # fmt: skip
    optimizer: torch.optim.Optimizer = torch.optim.Adam(model.parameters(), rate)
    if drawn.random() < 0.5:
        optimizer = torch.optim.SGD(model.parameters(), 30 * rate, momentum=0.9)
    floor = 1.0
    if labels:
        shares = torch.bincount(y) / len(y)
        floor = float(torch.special.entr(shares).sum())
    losses = []
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for at in range(0, len(x) - batch + 1, batch):
            rows = order[at : at + batch]
            answer = model(x[rows])
            loss = (
                nn.functional.cross_entropy(answer, y[rows])
                if labels
                else nn.functional.mse_loss(answer[:, 0], y[rows])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item() / floor)
    return losses


def rows(runs: int) -> Iterator[dict[str, Any]]:
    """Yields one drawn training after another."""
    for seed in range(runs):
        drawn = random.Random(seed)
        task, own = drawn.choice(unrelated.TASKS), seed % 2 == 0
        n, batch = drawn.choice((512, 1024)), drawn.choice((16, 32, 64))
        torch.manual_seed(seed)
        x, y = task(n)
        y = y if own else y[torch.randperm(n)]
        labels = not y.is_floating_point()
        y = y if labels else (y - y.mean()) / y.std()
        x = (x - x.mean(0)) / x.std(0).clamp(min=1e-6)
        told = compare(x, y, labels=labels)
        errors = told and max(told["by_neighbours"], told["by_line"])
        seen = over_epochs(trained(x, y, batch, drawn), n // batch)
        assert seen is not None
        yield {
            "task": task.__name__, "own": own, "errors": errors, "epoch": n // batch,
            "first": seen.first, "fall": seen.fall, "within": seen.within, "between": seen.between,
        }  # fmt: skip


def main() -> None:
    """Prints the trainings, or how many of those in a file the check would blame."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--read", type=Path)
    given = parser.parse_args()
    if given.read is None:
        torch.set_num_threads(1)
        for row in rows(given.runs):
            print(json.dumps(row), flush=True)
        return
    known = [json.loads(line) for line in given.read.read_text().splitlines()]
    for own in (True, False):
        fallen = [r for r in known if r["own"] == own and r["fall"] >= CHECK.limit("by heart")]
        untold = [r for r in fallen if (r["errors"] or 0) < CHECK.limit("errors")]
        blamed = [r for r in untold if is_by_heart(r)]
        tasks = sorted({row["task"] for row in blamed})
        print(
            f"targets {'of the inputs' if own else 'of others'}: {len(fallen)} losses fell, "
            f"{sum(map(is_by_heart, fallen))} of them by heart alone; of {len(untold)} that no "
            f"simple model tells {len(blamed)} did ({', '.join(tasks)})"
        )


def is_by_heart(row: dict[str, Any]) -> bool:
    """Whether the check takes the losses of a training for learnt by heart alone."""
    return bool(
        row["first"] >= CHECK.limit("chance")
        and -row["within"] >= CHECK.limit("rises") * row["fall"]
        and row["between"] >= row["fall"]
    )


if __name__ == "__main__":
    main()
