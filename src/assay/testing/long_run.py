"""A long run made through the journal's own writer: no training, the same files."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

from ..journal.writer import Journal

PER_PARAMETER = ("grad_norm", "grad_max", "grad_zero_share", "grad_nonfinite_share",
                 "weight_norm", "weight_nonfinite_share", "update_norm")  # fmt: skip
PER_MODULE = ("activation_std", "activation_zero_share",
              "activation_nonfinite_share")  # fmt: skip
SPIKE = 54_321
"""The step at which the loss leaps, and comes back."""


def write_long_run(folder: Path, *, steps: int, layers: int, samples: int) -> Path:
    """Writes losses and rates of every step, and all signals of every layer at each sample.

    Args:
        folder: Of the run; made here.
        steps: A multiple of 100.
        layers: Each with one weight.
        samples: How many steps are sampled, at the same distance from each other.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    random.seed(0)
    account = {"id": "long", "command": ["python", "long.py"], "exit_code": 0, "seconds": 3600.0}
    (folder / "run.json").write_text(json.dumps(account))
    names = [f"blocks.{i // 4}.part{i % 4}" for i in range(layers)]
    journal = Journal(str(folder))
    journal.put("begin", pid=1, rank=0, world=1, torch="2.13.0", device="cpu", threads=1, time=0.0)
    journal.put("model", root="Long", prefix="", cls="Long", site=["long.py", 3, "main"],
                modules=[["Long", "Long", True], *([n, "Linear", True] for n in names)],
                parameters=[[f"{n}.weight", [64, 64], "float32", True] for n in names])  # fmt: skip
    group = {"names": [f"{n}.weight" for n in names], "lr": 0.1, "elements": 4096 * layers}
    journal.put("optimizer", o=0, cls="SGD", site=["long.py", 5, "main"], groups=[group])
    journal.open()
    block, every = 100, max(steps // samples, 1)
    for first in range(0, steps, block):
        at = range(first, first + block)
        loss = [round(2.3 * math.exp(-s / 30_000) + 0.05 * random.random(), 5) for s in at]
        if first <= SPIKE < first + block:
            loss[SPIKE - first] = 90.0
        rates = [[round(0.1 * (1 + math.cos(math.pi * s / steps)) / 2, 6)] for s in at]
        journal.put("steps", o=0, first=first, loss=loss, lr=rates,
                    t=[first * 0.036, (first + block) * 0.036])  # fmt: skip
        if first % max(every, block) == 0:
            journal.put("sample", o=0, s=first, v=_sample(names, first / steps))
    journal.put("cost", samples=samples, own_s=30.0, opening_s=1.0, iterations=steps)
    journal.put("end", time=3600.0)
    journal.close()
    return folder


def _sample(names: list[str], part: float) -> dict[str, dict[str, float]]:
    values = {
        signal: {
            f"{name}.weight": round(10 ** (-4 * i / len(names) + random.random() - part), 7)
            for i, name in enumerate(names)
        }
        for signal in PER_PARAMETER
    }
    values |= {
        signal: {name: round(random.random() * (1 - part), 6) for name in names}
        for signal in PER_MODULE
    }
    values["grad_norm"][""] = round(random.random() + 1, 6)
    return values
