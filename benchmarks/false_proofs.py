"""How often does a trial prove a trick that does nothing?

    PYTHONPATH=src python benchmarks/false_proofs.py --simulate
    PYTHONPATH=src python benchmarks/false_proofs.py --out runs.jsonl [--scripts N] [NAME ...]
    PYTHONPATH=src python benchmarks/false_proofs.py --out runs.jsonl --table

`--simulate` draws both sides of a comparison from one distribution, of eleven shapes, and asks the
sequential test of trials (`trials/weighing.py`) for its verdict: one candidate alone, and one of
`fix`, where a screening seed chooses among eight and three are compared in the first of two sets.

Without it, healthy scripts are run for real: as they are, and under the placebo `seed=4321`, which
changes every random number and nothing else, on 24 seeds each. All 48 runs are of one kind, and a
forced comparison takes two times 8 of them at random: 200 a script. Comparisons of one script share
runs and so are not independent; of each script the first three disjoint ones, control against
placebo as a trial pairs them, are counted apart. Each line of the output is one run; what is there
is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from assay.cli.trying import MOST_SEEDS, SEEDS
from assay.testing import WarmRunner
from assay.trials.child import Command
from assay.trials.metric import HELD_OUT, TRAINING
from assay.trials.plan import CONTROL, Job, candidate_of
from assay.trials.runner import Runner
from assay.trials.store import Store
from assay.trials.weighing import weigh_runs
from assay.tricks.reading import read_all

TESTS = Path(__file__).resolve().parent.parent / "tests"
POOL = 24
STEPS = 60
"""Of each real run: what noise the seeds make does not hang on the length."""
COMPARISONS = 200
PLACEBO = candidate_of(read_all(["seed=4321"]))

Draw = Callable[[random.Random], float]
SHAPES: dict[str, Draw] = {
    "normal": lambda r: math.exp(r.gauss(0, 0.1)),
    "lognormal": lambda r: math.exp(r.gauss(0, 1)),
    "uniform": lambda r: r.uniform(1, 2),
    "works or not": lambda r: (0.1 if r.random() < 0.5 else 2.3) * math.exp(r.gauss(0, 0.05)),
    "exactly one of two": lambda r: 1.0 if r.random() < 0.5 else 2.0,
    "cauchy": lambda r: abs(math.tan(math.pi * (r.random() - 0.5))),
    "exponential": lambda r: r.expovariate(1),
    "below 0": lambda r: r.gauss(-3, 1),
    "whole numbers": lambda r: float(round(r.gauss(10, 2))),
    "half of them diverge": lambda r: math.inf if r.random() < 0.5 else r.uniform(1, 1.2),
    "one in five diverges": lambda r: math.inf if r.random() < 0.2 else r.uniform(1, 1.2),
}


def decide(pairs: Iterator[tuple[float, float]], candidates: float = 1) -> tuple[str, int]:
    """The verdict on pairs of runs as they come, and how many were needed."""
    control, treated = [], []
    for before, after in pairs:
        control.append(before)
        treated.append(after)
        if len(control) < SEEDS:
            continue
        _, said = weigh_runs(control, treated, candidates=candidates, wanted=SEEDS, most=MOST_SEEDS)
        if not said.open:
            return said.outcome, len(control)
    return "undecided", len(control)


def simulate(count: int) -> None:
    """Prints the share of false proofs for each shape."""
    print("| noise | proved | harmful | no effect | seeds | of `fix`, proved |")
    print("|---|---|---|---|---|---|")
    worst = 0.0
    for shape, draw in SHAPES.items():
        r = random.Random(7)

        def pairs(draw: Draw = draw, r: random.Random = r) -> Iterator[tuple[float, float]]:
            return ((draw(r), draw(r)) for _ in range(MOST_SEEDS))

        found, seeds = Counter[str](), 0
        for _ in range(count):
            outcome, used = decide(pairs())
            found[outcome] += 1
            seeds += used
        cures = sum(fix_proves(draw, r) for _ in range(count))
        shares = [found[o] / count for o in ("proved", "harmful", "no effect")]
        worst = max(worst, shares[0], shares[1], cures / count)
        said = " | ".join(f"{share:.2%}" for share in shares)
        print(f"| {shape} | {said} | {seeds / count:.2f} | {cures / count:.2%} |")
    print(f"\n{count} comparisons each; the most false proofs of one kind: {worst:.2%}.")


def fix_proves(draw: Draw, r: random.Random) -> bool:
    """Whether `fix` proves one of eight remedies that do nothing, three of which it compares."""
    control = [draw(r) for _ in range(MOST_SEEDS + 1)]
    screened = [draw(r) for _ in range(8)]
    for first in sorted(value for value in screened if value < control[0])[:3]:
        fresh = ((before, draw(r)) for before in control[1:])
        if decide(fresh, 3 * 2)[0] == "proved" and first < control[0]:
            return True
    return False


def collect(names: Sequence[str], most: int, out: Path) -> None:
    """Makes the runs of both sides, as many as are missing."""
    known = {(line["script"], line["side"], line["seed"]) for line in lines(out)}
    paths = sorted([*TESTS.glob("checks/*/healthy.py"), *TESTS.glob("healthy/*.py")])
    with WarmRunner() as warm, tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for path in [p for p in paths if any(n in str(p) for n in names) or not names][:most]:
            name = path.parent.name if path.stem == "healthy" else path.stem
            command = Command((str(path),), None, 1, spawn=warm.spawn)
            runner = Runner(command, store, store.new_trial(name))
            runner.run(
                [
                    Job(side, seed, STEPS, 120.0)
                    for seed in range(POOL)
                    for side in (CONTROL, PLACEBO)
                    if (name, side.name, seed) not in known
                ]
            )
            with out.open("a", encoding="utf-8") as file:
                for job, result in runner.results.items():
                    values = result.measured.values
                    value = values.get(HELD_OUT, values.get(TRAINING))
                    if result.state == "done" and value is not None:
                        line = {"script": name, "side": job.candidate.name, "seed": job.seed,
                                "value": value if math.isfinite(value) else "inf"}  # fmt: skip
                        file.write(json.dumps(line) + "\n")
            print(f"{name}: {len(runner.results)} runs", flush=True)


def lines(out: Path) -> list[dict[str, object]]:
    """What is there."""
    if not out.exists():
        return []
    return [json.loads(text) for text in out.read_text(encoding="utf-8").splitlines()]


def table(out: Path) -> None:
    """Prints what the forced comparisons came to."""
    runs: dict[str, dict[str, dict[int, float]]] = {}
    for line in lines(out):
        sides = runs.setdefault(str(line["script"]), {})
        sides.setdefault(str(line["side"]), {})[int(str(line["seed"]))] = float(str(line["value"]))
    print("| script | runs | comparisons | proved | harmful | no effect | undecided | seeds |")
    print("|---|---|---|---|---|---|---|---|")
    total, apart, everyone = Counter[str](), Counter[str](), 0
    for name, sides in runs.items():
        control, placebo = (
            [v for _, v in sorted(sides.get(s.name, {}).items())] for s in (CONTROL, PLACEBO)
        )
        size, r = min(len(control), len(placebo)), random.Random(name)
        found, seeds, everything = Counter[str](), 0, [*control, *placebo]
        if len(everything) < 2 * MOST_SEEDS:
            continue
        for _ in range(COMPARISONS):
            drawn = r.sample(everything, 2 * MOST_SEEDS)
            sides_of = zip(drawn[:MOST_SEEDS], drawn[MOST_SEEDS:], strict=True)
            outcome, used = decide(iter(sides_of))
            found[outcome] += 1
            seeds += used
        for begin in range(0, size - MOST_SEEDS + 1, MOST_SEEDS):
            block = slice(begin, begin + MOST_SEEDS)
            apart[decide(zip(control[block], placebo[block], strict=True))[0]] += 1
        count = sum(found.values())
        total, everyone = total + found, everyone + count
        cells = [found[o] for o in ("proved", "harmful", "no effect", "undecided")]
        said = " | ".join(map(str, cells))
        print(f"| {name} | {2 * size} | {count} | {said} | {seeds / max(count, 1):.1f} |")
    if everyone:
        print(
            f"\n{everyone} forced comparisons: {total['proved']} proved "
            f"({total['proved'] / everyone:.1%}), {total['harmful']} harmful "
            f"({total['harmful'] / everyone:.1%}), {total['no effect']} no effect, "
            f"{total['undecided']} undecided."
        )
        print(f"Of {sum(apart.values())} that share no run: {dict(apart)}.")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("names", nargs="*", help="only scripts whose path contains one of these")
    add("--simulate", action="store_true", help="draw runs instead of making them")
    add("--count", type=int, default=4000, help="simulated comparisons of each shape")
    add("--out", type=Path, help="JSONL of real runs, appended to")
    add("--scripts", type=int, default=10, help="so many healthy scripts")
    add("--table", action="store_true", help="print what is there")
    given = parser.parse_args()
    if given.simulate:
        simulate(given.count)
    elif given.out is None:
        parser.error("say --simulate, or --out FILE for real runs")
    elif given.table:
        table(given.out)
    else:
        collect(given.names, given.scripts, given.out)


if __name__ == "__main__":
    main()
