"""`assay diff [RUN [RUN]]`: why one run came out otherwise than another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..comparison import compare
from ..journal.reader import read_run
from ..journal.texts import read_texts
from ..journal.view import RunView
from ..launch.errors import LaunchError
from ..launch.folder import RUNS
from ..launch.settings import read_settings
from .complaint import complain
from .options import can_be_written
from .report import find_run, latest
from .watching import note_if_slow
from .words import Parser
from .written import write_json

ALIKE, PARTED = 0, 1


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There are no two such runs, or there is nothing in them to compare.
    """
    parser = Parser(
        prog="assay diff",
        description="Say where two runs of a script part, and what differs before that.\n\n"
        "Exit status: 0 if they are alike in all that was recorded, 1 if they part, 2 on trouble.",
    )
    add = parser.add_argument
    add("a", metavar="RUN", nargs="?",
        help="a run's id or its beginning, or its folder; else the latest but one")  # fmt: skip
    add("b", metavar="RUN", nargs="?", help="the run to compare it with; the latest if not given")
    add("--run-dir", metavar="DIR", help="where records of runs are kept, if not .assay/runs")
    add("--json", metavar="FILE", help="also write it as JSON; - is standard output")
    add("--quiet", action="store_true", help="print only where they part and what can explain it")
    given = parser.read(words)
    if given.json is not None:
        can_be_written(given.json)
    base = Path(given.run_dir) if given.run_dir else read_settings().run_dir or RUNS
    first = latest(base, but=1) if given.a is None else find_run(given.a, base)
    second = find_run(given.b, base)
    if first.resolve() == second.resolve():
        raise LaunchError(f"{second.name} is both runs: name another one to compare it with")
    with note_if_slow():
        a, b = read(first), read(second)
        found = compare(a, b, read_texts(first), read_texts(second))
    from ..report.comparison import as_dict, show_comparison

    show_comparison(found, sys.stderr if given.json == "-" else sys.stdout, quiet=given.quiet)
    if given.json is not None and not write_json(as_dict(found), given.json):
        return 2
    return ALIKE if found.parting is None else PARTED


def read(folder: Path) -> RunView:
    """Reads one of the two runs; says what of its record is lost.

    Raises:
        LaunchError: It can't be read, or no training step is on record.
    """
    try:
        view = read_run(folder)
    except (OSError, ValueError) as error:
        raise LaunchError(f"{folder}: can't be read: {error}") from None
    view.facts.setdefault("id", folder.name)
    if not view.observed:
        why = f" ({view.errors[0]})" if view.errors else ""
        raise LaunchError(f"{folder}: no training step is on record, nothing can be compared{why}")
    if view.errors:
        more = f", and {len(view.errors) - 1} more" if len(view.errors) > 1 else ""
        complain(f"{folder.name}: the record is not whole: {view.errors[0]}{more}")
    return view
