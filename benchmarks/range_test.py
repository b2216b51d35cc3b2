"""How near `assay lr` comes to the best rate of a real sweep.

    PYTHONPATH=src python benchmarks/range_test.py >> benchmarks/range_test.md

For each task of range_test_tasks.py: a sweep of trainings with rates a factor 2 apart, and
`assay lr` on the script with the rate it ships with, on several seeds. The best rate is the one
with the lowest mean loss over the last tenth of the steps, averaged over the seeds; near-best are
the rates whose loss is at most 10 % above it. Prints one markdown table.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from range_test_tasks import CHOSEN, TASKS, train

SCRIPT = Path(__file__).parent / "range_test_tasks.py"
SPANS = {"sgd": (-9, 3), "momentum": (-12, 1), "adam": (-15, -2), "adamw": (-15, -2),
         "rmsprop": (-15, -2)}  # fmt: skip
"""Powers of 2 between which the best rate is looked for."""
AGREE = 3.0
NEAR = 1.1


def real_sweep(name: str, steps: int, seeds: int) -> dict[float, float]:
    """Final loss by rate, the mean over the seeds; inf if one of them was not finite."""
    low, high = SPANS[TASKS[name][1]]
    found = {}
    for power in range(low, high + 1):
        finals = []
        for seed in range(seeds):
            losses = train(name, 2.0**power, steps, seed)[-steps // 10 :]
            finals.append(fmean(losses) if all(map(math.isfinite, losses)) else math.inf)
        found[2.0**power] = fmean(finals)
    return found


def suggested(name: str, seed: int, length: int | None) -> dict[str, Any]:
    """What `assay lr` says of the script."""
    options = [] if length is None else ["--steps", str(length)]
    command = [sys.executable, "-m", "assay", "lr", *options, "--json", "-", str(SCRIPT), name]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "--seed", str(seed)], cwd=folder, capture_output=True, text=True, check=False
        )
    if not done.stdout:
        raise SystemExit(f"{name}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def mean(values: list[float | None]) -> float:
    """Geometric mean of what is known; nan if nothing is."""
    known = [math.log(v) for v in values if v]
    return math.exp(fmean(known)) if known else math.nan


def at(curve: dict[float, float], rate: float) -> float:
    """The loss at a rate between two of the sweep's, by a line in log rate."""
    rates = sorted(curve)
    if not rates[0] <= rate <= rates[-1]:
        return curve[rates[0] if rate < rates[0] else rates[-1]]
    below = max(r for r in rates if r <= rate)
    above = min(r for r in rates if r >= rate)
    if above == below:
        return curve[below]
    share = math.log(rate / below) / math.log(above / below)
    return curve[below] + share * (curve[above] - curve[below])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", default=CHOSEN)
    parser.add_argument("--derived", action="store_true", help="all that the rules come from")
    parser.add_argument("--steps", type=int, default=400, help="of the trainings of the real sweep")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--length", type=int, help="steps of the range test, if not the default")
    given = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    print("| task | new | best rate | near-best | suggested | ratio | each seed | by curve "
          "| by sharpness | loss at best | at suggestion | s |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    ratios: dict[str, float] = {}
    single = []
    derived = [name for name in TASKS if name not in CHOSEN]
    for name in derived if given.derived else given.tasks:
        real = real_sweep(name, given.steps, given.seeds)
        best = min(real, key=lambda rate: real[rate])
        near = [rate for rate in sorted(real) if real[rate] <= NEAR * real[best]]
        tests = [suggested(name, seed, given.length) for seed in range(given.seeds)]
        rate = mean([test["suggestion"] for test in tests])
        ratios[name] = rate / best
        each = [(test["suggestion"] or math.nan) / best for test in tests]
        single += each
        curve = mean([test["by_curve"]["rate"] for test in tests])
        sharp = mean([test["by_sharpness"]["rate"] for test in tests])
        print(
            f"| {name} | {'yes' if TASKS[name][3] else ''} | {best:.2g} | {near[0]:.2g} to "
            f"{near[-1]:.2g} | {rate:.2g} | **{rate / best:.2f}** | "
            f"{', '.join(f'{r:.2f}' for r in each)} | {curve / best:.2f} | "
            f"{'-' if math.isnan(sharp) else f'{sharp / best:.2f}'} | {real[best]:.3g} | "
            f"{at(real, rate):.3g} | {fmean(test['seconds'] for test in tests):.1f} |",
            flush=True,
        )
    agree = sum(1 / AGREE <= ratio <= AGREE for ratio in ratios.values())
    each_agree = sum(1 / AGREE <= ratio <= AGREE for ratio in single)
    print(
        f"\nWithin a factor {AGREE:g} of the best rate: {agree} of {len(ratios)} tasks, "
        f"{each_agree} of {len(single)} single range tests. torch {torch.__version__}, "
        f"{given.steps} steps, {given.seeds} seeds, {time.monotonic() - began:.0f} s."
    )


if __name__ == "__main__":
    main()
