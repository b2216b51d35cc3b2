"""Whether the rung that fails is the right one, and whether none fails of a right script.

    PYTHONPATH=src python benchmarks/ladder.py

Climbs the ladder of every sick script whose fault belongs to a rung, as `ladder_faults.json` says
(written down before the rungs were tuned), and of every right script of the tests: the look-alikes
of all checks and the zoo. Scripts run in forks of one warm process. Writes ladder.md;
`--only WORD...` takes the scripts whose path has one of these words, `--jobs N` runs N at a time,
`--kept FOLDER` keeps the ladders there, and takes those that are there already.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import NamedTuple

from assay.diagnosis.ladder import QUESTIONS, Ladder, ladder_of
from assay.journal.reader import read_run
from assay.testing import WarmRunner
from assay.trials.laddering import settings

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
FAULTS: dict[str, list[str]] = json.loads((HERE / "ladder_faults.json").read_text())["faults"]
SIGNS = {"passes": "✓", "fails": "✗", "untried": "?"}


class Climbed(NamedTuple):
    """One script, and its ladder."""

    script: Path
    ladder: Ladder
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.script.parent.name}/{self.script.stem}"

    @property
    def check(self) -> str:
        return self.script.parent.name.replace("_", "-")

    @property
    def broken(self) -> str | None:
        return self.ladder.broken.name if self.ladder.broken else None

    @property
    def is_right(self) -> bool:
        return self.broken in FAULTS[self.check]


def climb(script: Path, warm: WarmRunner, kept: Path) -> Climbed:
    """The ladder of one script."""
    folder = kept / f"{script.parent.name}-{script.stem}"
    if not folder.exists():
        draft = folder.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        warm.observe([str(script)], settings(), run_dir=draft)
        draft.rename(folder)
    view = read_run(folder)
    return Climbed(script, ladder_of(view), float(view.facts.get("seconds") or 0.0))


def rungs(ladder: Ladder) -> str:
    return " ".join(SIGNS[rung.state] for rung in ladder.rungs) or "could not be climbed"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kept", type=Path)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    sick = [TESTS / "checks" / name.replace("-", "_") / "sick.py" for name in FAULTS]
    right = sorted([*TESTS.glob("checks/*/healthy.py"), *TESTS.glob("healthy/*.py")])
    chosen = [
        [s for s in scripts if any(w in str(s) for w in given.only)] for scripts in (sick, right)
    ]
    folder = tempfile.TemporaryDirectory()
    with WarmRunner() as warm, ThreadPoolExecutor(given.jobs) as pool, folder:
        kept = (given.kept or Path(folder.name)).absolute()
        kept.mkdir(parents=True, exist_ok=True)
        ill, well = (
            list(pool.map(lambda script: climb(script, warm, kept), scripts)) for scripts in chosen
        )
    (HERE / "ladder.md").write_text(page(ill, well) + "\n", encoding="utf-8")


def page(ill: list[Climbed], well: list[Climbed]) -> str:
    """Everything as markdown."""
    hit = sum(one.is_right for one in ill)
    false = [one for one in well if one.broken]
    tried = Counter(
        rung.name for one in well for rung in one.ladder.rungs if rung.state != "untried"
    )
    lines = [
        "# The ladder", "",
        "Made by `PYTHONPATH=src python benchmarks/ladder.py`. Which fault belongs to which rung "
        "is in `ladder_faults.json`.", "",
        f"- Sick scripts whose fault belongs to a rung: the lowest rung that fails is the right "
        f"one in **{hit} of {len(ill)}** ({hit / max(len(ill), 1):.0%}).",
        f"- Right scripts: a rung fails in **{len(false)} of {len(well)}**.",
        "- Of the right scripts a rung could be tried in: "
        + ", ".join(f"{name} {tried[name]}" for name in QUESTIONS) + ".",
        f"- One climb, with its run, took {median(o.seconds for o in [*ill, *well]):.1f} s in the "
        "median.", "",
        f"| sick script | belongs to | fails | {' · '.join(QUESTIONS)} | |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {one.check} | {' or '.join(FAULTS[one.check])} | {one.broken or '-'} | "
        f"{rungs(one.ladder)} | {'' if one.is_right else 'missed'} |"
        for one in ill
    ]
    if false:
        lines += ["", "| right script | fails | what was said |", "|---|---|---|"]
        lines += [f"| {one.name} | {one.broken} | {one.ladder.verdict()} |" for one in false]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
