"""`assay run`: just train, and keep a record; one line tells what was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

from ..report.ending import counted, how_it_ended
from ..report.model import Report
from .options import make_parser, read_options
from .watching import complain, watch


def main(words: Sequence[str]) -> NoReturn:
    """Runs the verb; ends this process as the script ended."""
    options = read_options(
        make_parser("run", "Run a training script and record it; `assay report` shows the rest."),
        words,
    )

    def tell(report: Report) -> None:
        if not options.quiet or report.findings or not report.observed:
            complain(summary(report))

    watch(options, tell)


def summary(report: Report) -> str:
    """One line on a run."""
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
