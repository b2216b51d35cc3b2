"""`assay run`: just train, and keep a record; one line tells what was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from ..report.ending import counted, how_it_ended, not_moved
from ..report.model import Report
from .complaint import complain
from .options import make_parser, read_options
from .watching import watch
from .words import tricks_asked


def main(words: Sequence[str]) -> NoReturn:
    """Runs the verb; ends this process as the script ended."""
    parser = make_parser(
        "run", "Run a training script and record it; `assay report` shows the rest."
    )
    parser.add_argument(
        "--with", action="append", default=[], metavar="TRICK", dest="tricks",
        help="train with this trick: NAME=VALUE,key=value; may be repeated",
    )  # fmt: skip
    options = read_options(parser, words)
    # told before anything runs if a trick is unknown, or can't stand beside another
    given = parser.parse_args(parser.split(words)[0]).tricks
    options = replace(options, tricks=tricks_asked(given))

    def tell(report: Report) -> None:
        if not options.quiet or report.findings or not report.observed:
            complain(summary(report))

    watch(options, tell)


def summary(report: Report) -> str:
    """Returns one line on a run."""
    if report.unseen is not None:
        return f"not observed: {report.unseen.reason}"
    pieces = [how_it_ended(report.view) or f"{counted(report.view.steps, 'step')} observed"]
    counts = Counter(finding.severity for finding in report.findings)
    found = [
        counted(counts[level], level) for level in ("error", "warning", "note") if counts[level]
    ]
    if found:
        pieces.append(
            f"{', '.join(found)}, first {report.findings[0].check}; assay report shows them"
        )
        if not counts["error"] and not counts["warning"] and (still := not_moved(report)):
            pieces.append(still)
    elif report.too_short and report.diagnosis.silent:
        pieces.append("nothing found, but too short to judge")
    elif still := not_moved(report):
        pieces.append(still)
    elif report.diagnosis.silent:
        pieces.append("nothing wrong found")
    else:
        pieces.append("no check could look at it")
    return ": ".join(pieces)
