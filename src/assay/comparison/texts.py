"""Which lines of the user's files are others in the second run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from ..journal.view import RunView
from .model import Change, Line
from .setup import below

LINES_AT_MOST = 40
"""Changed lines of one file that are told."""


def changes(
    a: RunView, b: RunView, first: Mapping[str, str], second: Mapping[str, str]
) -> tuple[Change, ...]:
    """Returns the changed lines of each file that both runs loaded.

    Args:
        a: The first run.
        b: The second one.
        first: The text of the first one's files, by path.
        second: The text of the second one's.
    """
    one, other = (
        {below(view, path): text for path, text in texts.items()}
        for view, texts in ((a, first), (b, second))
    )
    found = []
    for name in sorted(one.keys() & other.keys()):
        if one[name] != other[name]:
            lines = _changed(one[name].splitlines(), other[name].splitlines())
            found.append(Change(name, tuple(lines[:LINES_AT_MOST]),
                                max(len(lines) - LINES_AT_MOST, 0)))  # fmt: skip
    return tuple(found)


def _changed(one: list[str], other: list[str]) -> list[Line]:
    lines = []
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for what, a, a_end, b, b_end in matcher.get_opcodes():
        if what != "equal":
            lines += [Line("-", at + 1, one[at]) for at in range(a, a_end)]
            lines += [Line("+", at + 1, other[at]) for at in range(b, b_end)]
    return lines
