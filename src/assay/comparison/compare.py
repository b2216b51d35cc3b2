"""Puts two runs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest

from ..journal.events import EPOCH
from ..journal.view import RunView, Training
from .course import FULL, compared, digits, part
from .model import Comparison, Parting
from .setup import differences
from .texts import changes


def compare(
    a: RunView,
    b: RunView,
    first: Mapping[str, str] | None = None,
    second: Mapping[str, str] | None = None,
) -> Comparison:
    """Compares two runs: their set-up, and step by step what was recorded of them.

    Trainings are paired in the order in which they began, process by process.

    Args:
        a: The first run.
        b: The second one.
        first: The text of the first one's files, by path (`journal.texts`), where it is kept.
        second: The text of the second one's.
    """
    firsts, seconds = _trainings(a), _trainings(b)
    pairs = list(zip(firsts, seconds, strict=False))
    partings = [found for n, (x, y) in enumerate(pairs) if (found := part(n, x, y)) is not None]
    weights = [step for x, y in pairs for step in compared(x, y, "weight_fingerprint")]
    first_parting = min(partings, key=lambda each: _when(firsts, each), default=None)
    if first_parting is not None:
        first_parting = replace(first_parting, order=_order(a, b))
    return Comparison(
        a,
        b,
        differences=tuple(differences(a, b)),
        changes=changes(a, b, first or {}, second or {}),
        parting=first_parting,
        steps=sum(min(x.steps, y.steps) for x, y in pairs),
        losses=sum(len(compared(x, y, "loss")) for x, y in pairs),
        digits=min((digits(x, y) for x, y in pairs), default=FULL),
        weights=len(weights),
        last_weights=max(weights, default=None),
        notes=tuple(_notes(firsts, seconds)),
    )


def _order(a: RunView, b: RunView) -> int | None:
    """Returns the first pass for which a loader drew others; -1 if none did, None if not known."""
    one, other = (
        {
            (event.process, event.data["loader"], event.data["epoch"]): event.data["order"]
            for event in view.events(EPOCH)
        }
        for view in (a, b)
    )
    both = one.keys() & other.keys()
    others = [key[2] for key in both if one[key] != other[key]]
    return min(others, default=-1) if both else None


def _trainings(view: RunView) -> list[Training]:
    """Returns what was trained, in an order that two runs of one script have in common."""
    trained = [training for training in view.trainings if training.steps]
    return sorted(trained, key=lambda each: (each.rank, each.process, each.index))


def _when(trainings: list[Training], parting: Parting) -> int:
    """Returns the iteration of its process in which a pair parts."""
    return trainings[parting.training].began + parting.step


def _notes(firsts: list[Training], seconds: list[Training]) -> list[str]:
    found = []
    if len(firsts) != len(seconds):
        found.append(
            f"A has {len(firsts)} trainings and B {len(seconds)}: the first "
            f"{min(len(firsts), len(seconds))} of each were compared"
        )
    for x, y in zip_longest(firsts, seconds):
        if x is not None and y is not None and not compared(x, y, "loss"):
            found.append(f"no loss of {x} was recorded in both runs: their losses can't be told")
    return found
