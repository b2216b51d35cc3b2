"""Where the ranks of a run stand that take no step: those at one line together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..journal.events import Standing
from ..journal.view import Event, Site
from .ranks import named


@dataclass(frozen=True, slots=True)
class Place:
    """Some ranks that stand at the same line, in the same call, after as many steps."""

    ranks: tuple[int, ...]
    step: int
    site: Site | None
    call: str
    kind: str

    def __str__(self) -> str:
        call = f" {self.call}()" if self.call else ""
        at = f" ({self.site})" if self.site is not None and call else ""
        at = at or (f" {self.site}" if self.site is not None else " no line of the script")
        where = f"{'in' if call else 'at'}{call}{at}"
        return f"{named(self.ranks)} {where} after {self.step:,} step{'s' * (self.step != 1)}"


def places(standing: Iterable[Event[Standing]]) -> list[Place]:
    """Returns where ranks stand: calls to other ranks first, and those of the fewest ranks.

    A call that few have come to is the likelier one to be wrong. A backward pass comes after such
    calls, since all ranks have one in each step.
    """
    found: dict[tuple[int, Site | None, str, str], list[int]] = {}
    for event in standing:
        data = event.data
        key = event.step, event.site, data["call"], data["kind"]
        found.setdefault(key, []).append(data["rank"])
    rows = [
        Place(tuple(sorted(ranks)), step, site, call, kind)
        for (step, site, call, kind), ranks in found.items()
    ]
    order = ("collective", "", "backward")
    return sorted(rows, key=lambda p: (order.index(p.kind), len(p.ranks), p.ranks))


def listed(standing: Iterable[Place]) -> str:
    """Returns `rank 0 in barrier() (train.py:41) after 20 steps, rank 1 at train.py:35 ...`."""
    return ", ".join(map(str, standing))
