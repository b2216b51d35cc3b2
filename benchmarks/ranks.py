"""How long 64 ranks' records take to read, to judge and to draw.

    python benchmarks/ranks.py RUN [--ranks 64]

RUN is the folder of a real run of two ranks, made by
`assay check -- torchrun --nproc-per-node 2 train.py`. The journal of its first rank is written once
more for each of so many ranks, eight to a node, through the journal writer, each with its own
losses; then the report and the page are made of them. CPU time, the least of three.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

from assay.checks.registry import CHECKS
from assay.journal.reader import read_run
from assay.journal.writer import Journal
from assay.report import make_report
from assay.report.page import render_page

PER_NODE = 8


def write_rank(lines: list[dict[str, Any]], folder: Path, rank: int, world: int) -> None:
    """Writes one rank's journal, as its process would."""
    journal = Journal(str(folder))
    journal.open()
    own = {"rank": rank, "world": world, "local_rank": rank % PER_NODE}
    own |= {"node": f"node{rank // PER_NODE}", "pid": 1000 + rank % PER_NODE}
    for line in lines:
        facts = {**line, **{key: own[key] for key in own.keys() & line.keys()}}
        kind = facts.pop("k")
        if kind == "steps":
            losses = [None if x is None else x * (1 + rank / 1000) for x in facts.pop("loss")]
            journal.put_series("steps", "loss", losses, facts)
        else:
            journal.put(kind, **facts)
    journal.close()


def least(act: Callable[[], Any]) -> tuple[float, Any]:
    """Returns the least of three times, in seconds, and the result."""
    times, result = [], None
    for _ in range(3):
        began = process_time()
        result = act()
        times.append(process_time() - began)
    return min(times), result


def main() -> None:
    """Writes the records, and prints a row for each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--ranks", type=int, default=64)
    given = parser.parse_args()
    journals = sorted(given.run.glob("journal-*.jsonl"))
    found = [[json.loads(line) for line in path.open(encoding="utf-8")] for path in journals]
    lines = next(one for one in found if any(line.get("rank") == 0 for line in one))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run.json").write_bytes((given.run / "run.json").read_bytes())
        began = process_time()
        for rank in range(given.ranks):
            write_rank(lines, folder, rank, given.ranks)
        written = process_time() - began
        size = sum(path.stat().st_size for path in folder.glob("journal-*"))
        read_s, view = least(lambda: read_run(folder))
        judge_s, report = least(lambda: make_report(view, CHECKS, folder=folder))
        page_s, page = least(lambda: render_page(report))
    told = f"{given.ranks} ranks of {view.steps:,} steps, {size / 1e6:.0f} MB"
    print(f"{told}; a page of {len(page) / 1e6:.1f} MB")
    rows = {"write": written, "read": read_s, "judge": judge_s, "draw": page_s}
    for what, seconds in (*rows.items(), ("read, judge, draw", read_s + judge_s + page_s)):
        print(f"{what:18} {seconds:6.2f} s")


if __name__ == "__main__":
    main()
