"""Does `assay tune` find better settings, and which sampler finds them with the fewest runs?

    PYTHONPATH=src python benchmarks/tuning.py --out runs.jsonl [--seeds 10] [--runs 30]
    PYTHONPATH=src python benchmarks/tuning.py --out runs.jsonl --table

Six small tasks (`range_test_tasks.py`): digits by a fully connected network, by a CNN, by rows with
an LSTM; tokens by a transformer; the adding problem (a regression) by a GRU; digits through an
autoencoder. Each is searched with the space that its own record suggests, once with the rate that
is wrong by about a hundred and once with a hundredfold better one; `tpe` proves its best point on
fresh seeds. `gp`, `tpe` and `random` are compared by the best loss that each has found, at equal
numbers of points, over several seeds of the sampler, on the wrong rate. Each line of the output is
one search; what is there is not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from assay.testing import WarmRunner
from assay.trials.child import Command
from assay.trials.experiment import Experiment
from assay.trials.plan import Budget
from assay.trials.store import Store
from assay.tuning.search import Asked, Search
from assay.tuning.suggested import suggested

SCRIPT = Path(__file__).resolve().parent / "range_test_tasks.py"
TASKS = {
    "mlp-momentum": (1e-3, 1e-1),
    "cnn-sgd": (5e-3, 5e-1),
    "lstm-adam": (1e-4, 1e-2),
    "transformer-adamw": (5e-1, 5e-3),
    "adding-gru-adam": (1e-4, 1e-2),
    "autoencoder-rmsprop": (1e-5, 1e-3),
}
"""With a rate that is wrong, and one that is about right."""
SAMPLERS = ("tpe", "gp", "random")


class Unproved(Search):
    """A search that ends with its points."""

    def _prove(self) -> None:
        return


def search(warm: WarmRunner, base: Path, task: str, rate: float, sampler: str, seed: int,
           given: argparse.Namespace, *, prove: bool) -> dict[str, Any]:  # fmt: skip
    """Makes one search, and returns what came of it."""
    words = (str(SCRIPT), task, "--rate", repr(rate), "--steps", str(given.steps))
    folder = Path(tempfile.mkdtemp(dir=base))
    asked = Asked((), words, folder, sampler, seed, given.runs, "none", (), suggested)
    made: list[Search] = []
    command = Command(words, spawn=warm.spawn)
    experiment = Experiment(command, Store(base / "store"), Budget(seeds=3, most=8), task)
    kind = Search if prove else Unproved
    trial = experiment.follow(lambda *parts: made.append(kind(*parts, asked)) or made[0])
    if trial.interrupted:
        raise SystemExit(130)
    tuned = made[0].tuned
    verdict = trial.verdicts[0] if trial.verdicts else None
    effect = None if verdict is None else verdict.effect
    return {
        "task": task, "rate": rate, "sampler": sampler, "seed": seed, "prove": prove,
        "runs": given.runs, "control": tuned.control, "best": tuned.done[0].value,
        "own": tuned.done[0].own, "verdict": verdict.outcome if verdict else "none better",
        "fresh": None if effect is None else effect.share(effect.mean),
        "found": tuned.found, "seconds": tuned.run_seconds, "tuning": tuned.own_seconds,
    }  # fmt: skip


def show(lines: list[dict[str, Any]]) -> None:
    print("| Task | Rate | Verdict on fresh seeds | In the search | On fresh seeds |")
    print("|---|---|---|---|---|")
    for line in sorted((x for x in lines if x["prove"]), key=lambda x: (x["task"], -x["rate"])):
        wrong = "wrong" if line["rate"] == TASKS[line["task"]][0] else "about right"
        fresh = "" if line["fresh"] is None else f"{-line['fresh']:+.0%}"
        print(f"| {line['task']} | {line['rate']:g} ({wrong}) | {line['verdict']} | "
              f"{-line['found']:+.0%} | {fresh} |")  # fmt: skip
    print("\n| Task | Seeds | " + " | ".join(SAMPLERS) + " |")
    print("|---|---|" + "---|" * len(SAMPLERS))
    for task, (wrong, _) in TASKS.items():
        found = {s: [x["best"] for x in lines if (x["task"], x["sampler"], x["rate"], x["prove"])
                     == (task, s, wrong, False)] for s in SAMPLERS}  # fmt: skip
        if all(found.values()):
            cells = " | ".join(f"{median(values):.4g}" for values in found.values())
            print(f"| {task} | {min(map(len, found.values()))} | {cells} |")
    seconds, own = (sum(x[key] for x in lines) for key in ("seconds", "tuning"))
    print(f"\nTuning itself took {own:.0f} s beside {seconds:.0f} s of runs.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    lines = []
    if given.out.exists():
        lines = [json.loads(line) for line in given.out.read_text().splitlines()]
    if given.table:
        show(lines)
        return
    out = given.out.resolve()
    known = {(x["task"], x["rate"], x["sampler"], x["seed"], x["prove"]) for x in lines}
    wanted = [(t, r, "tpe", 0, True) for t, rates in TASKS.items() for r in rates]
    wanted += [(t, rates[0], s, seed, False) for seed in range(given.seeds)
               for t, rates in TASKS.items() for s in SAMPLERS]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, WarmRunner() as warm:
        os.chdir(folder)
        for task, rate, sampler, seed, prove in wanted:
            if (task, rate, sampler, seed, prove) in known:
                continue
            line = search(warm, Path(folder), task, rate, sampler, seed, given, prove=prove)
            with out.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
