"""`assay run`: just train, and keep a record; one line tells what was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from ..launch.errors import LaunchError
from ..report.ending import counted, how_it_ended
from ..report.model import Report
from ..trials.plan import together
from ..tricks.base import TrickError
from .complaint import complain
from .options import make_parser, read_options
from .trying import candidate
from .watching import watch


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
    options = replace(options, tricks=all_tricks(given))

    def tell(report: Report) -> None:
        if not options.quiet or report.findings or not report.observed:
            complain(summary(report))

    watch(options, tell)


def all_tricks(given: Sequence[str]) -> tuple[str, ...]:
    """Reads the tricks of every `--with`, in the order in which they act.

    Raises:
        LaunchError: One is unknown, takes no such value, or can't stand beside another.
    """
    candidates = [candidate(text) for text in given]
    try:
        return together(candidates).tricks if candidates else ()
    except TrickError as error:
        raise LaunchError(f"--with: {error}") from None


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
    elif report.diagnosis.silent:
        pieces.append("nothing wrong found")
    else:
        pieces.append("no check could look at it")
    return ": ".join(pieces)
