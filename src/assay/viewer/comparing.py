"""What the page of two runs says above their curves: where they part, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..comparison import Change, Difference, compare, words
from ..journal.reader import read_run
from ..journal.texts import NAME, read_texts
from ..report.console import clean
from .runs import Outside, readable

Rows = list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """A comparison as a page shows it; every text is free of control characters.

    Attributes:
        alike: Whether the runs are; None if they could not be compared.
        headline, where: As in a terminal.
        tables: Titles, with rows of a name and how it is in each run.
        step: Where they part, to be marked in the plots.
        changes: Files whose text is another, with their lines: `added` or `removed`, and the text.
    """

    alike: bool | None
    headline: str
    where: str = ""
    tables: tuple[tuple[str, Rows], ...] = ()
    step: int | None = None
    changes: tuple[tuple[str, list[tuple[str, str]]], ...] = ()


def told(runs: Sequence[Path]) -> Told:
    """Compares two runs, as far as they have come.

    Raises:
        OSError: A record can't be read.
    """
    if runs[0] == runs[1]:
        return Told(None, "It is one run, twice.")
    a, b = (read_run(run) for run in runs)
    if not (a.observed and b.observed):
        return Told(None, "One of them has no training step on record: nothing can be compared.")
    found = compare(a, b, *(_texts(run) for run in runs))
    parting, explaining = found.parting, found.explaining
    others = [each for each in found.differences if each not in explaining]
    seen = [] if parting is None else words.table(parting)
    tables = (
        ("As far as seen", [(f"{label}, step {step:,}", x, y) for label, step, x, y in seen]),
        ("Differs, and can explain it", _rows(explaining)),
        ("Also differs" if parting else "Differs, and nothing shows it", _rows(others)),
    )
    return Told(
        parting is None,
        clean(words.headline(found)),
        clean(words.where(found)),
        tuple((title, rows) for title, rows in tables if rows),
        None if parting is None else parting.step,
        tuple((clean(change.file), _lines(change)) for change in found.changes),
    )


def _lines(change: Change) -> list[tuple[str, str]]:
    kinds = {"+": "added", "-": "removed"}
    lines = [
        (kinds[line.sign], f"{line.sign} {line.number:>4}  {clean(line.text)}")
        for line in change.lines
    ]
    return [*lines, ("place", f"and {change.left_out:,} more")] if change.left_out else lines


def _texts(run: Path) -> dict[str, str]:
    """Returns the texts of a run's files, unless the file that holds them leads elsewhere."""
    with suppress(Outside):
        readable(run, run / NAME)
        return read_texts(run)
    return {}


def _rows(differences: Sequence[Difference]) -> Rows:
    return [(clean(each.name), clean(each.a), clean(each.b)) for each in differences]
