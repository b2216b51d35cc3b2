"""Runs tools over faulty and right scripts, scores what they say, and makes the page.

    python -m faultbench run --tools assay torch-audit --sample 24 --jobs 2
    python -m faultbench run --only char_lstm dead_units
    python -m faultbench score
    python -m faultbench page
    python -m faultbench all
    python -m faultbench seal

`run` goes on where an earlier one stopped, then scores. `score` reads what the tools left once more,
so a rule of an adapter can be mended without running anything. `page` makes the table and the page
in docs/faultbench from the results. `all` runs, measures what watching costs, and makes the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import adapters, catalogue, sealing
from .results import Results
from .running import CACHE, Runner, tasks


def main(words: Sequence[str] | None = None) -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m faultbench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", choices=("run", "score", "page", "overhead", "all", "seal", "list"))
    add = parser.add_argument
    add("--tools", nargs="+", choices=adapters.TOOLS, default=adapters.TOOLS, metavar="TOOL")
    add("--only", nargs="+", metavar="WORD", help="only cases whose name contains one of these")
    add("--sample", type=int, metavar="N", help="a stratified sample of N cases, drawn by name")
    add("--origin", choices=("faults", "checks", "remedies"))
    add("--jobs", type=int, default=2)
    add("--minutes", type=float, default=float("inf"), help="begin no run after so long")
    add("--work", type=Path, default=CACHE / "work", help="results and outputs of the tools")
    given = parser.parse_args(words)
    given.work.mkdir(parents=True, exist_ok=True)
    if given.verb == "seal":
        print(f"{sealing.seal()} answers sealed, SHA-256 {sealing.digest()}")
        return 0
    chosen = choose(given)
    if given.verb == "list":
        print(
            "\n".join(f"{case.name}  ({case.half}: {', '.join(case.scripts)})" for case in chosen)
        )
        return 0
    if not chosen:
        print("faultbench: no case has such a name; `list` shows them all", file=sys.stderr)
        return 2
    if given.verb in ("run", "all"):
        note_revision(given.work / "revision")
        runner = Runner(given.work / "results.jsonl", given.work / "out", given.jobs)
        runner.run(tasks(given.tools, chosen), time.monotonic() + 60 * given.minutes)
    if given.verb in ("overhead", "all"):
        from .overhead import measure

        measure(given.tools, given.work / "overhead.json")
    if given.verb == "overhead":
        return 0
    results = Results(given.work)
    known: dict[str, Any] = results.summary()
    (given.work / "summary.json").write_text(json.dumps(known, indent=1), encoding="utf-8")
    print(results.table())
    if given.verb in ("page", "all"):
        from .page import write

        write(results)
    return 0


def note_revision(path: Path) -> None:
    """Adds the commit of this checkout to those that results were made with."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=catalogue.ROOT, capture_output=True, text=True
    )
    known = path.read_text(encoding="utf-8").split(", ") if path.exists() else []
    if (commit := asked.stdout.strip()) and commit not in known:
        path.write_text(", ".join([*known, commit]), encoding="utf-8")


def choose(given: argparse.Namespace) -> list[catalogue.Case]:
    """Returns the cases that were asked for."""
    found = catalogue.cases()
    if given.origin:
        found = [case for case in found if case.origin == given.origin]
    if given.only:
        found = [case for case in found if any(word in case.name for word in given.only)]
    return catalogue.sample(found, given.sample) if given.sample else found


if __name__ == "__main__":
    sys.exit(main())
