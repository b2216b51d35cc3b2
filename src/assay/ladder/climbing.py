"""Probe: the ladder, climbed rung after rung at the end of a run, each within its time."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic
from typing import Any

from ..probes.data.batches import Batches
from ..probes.evaluation.held_out import HeldOut
from ..replay.structure import NotReplayable, quietly, undisturbed
from ..watching.probe import Probe
from . import batch, data, loop, mode, optimizer, stream
from .collecting import Collecting
from .ground import Ground
from .outcome import Outcome, untried

SECONDS, RUNG_S = 60.0, 15.0
"""For all rungs together, and for one."""

RUNGS: tuple[tuple[str, Callable[[Ground], Outcome]], ...] = (
    ("data", data.climb),
    ("batch", batch.climb),
    ("optimizer", optimizer.climb),
    ("stream", stream.climb),
    ("loop", loop.climb),
    ("mode", mode.climb),
)


class Ladder(Collecting):
    """Stores what it needs as the run begins, and climbs when it ends.

    Event `ladder_rung`, for each rung in order. Only runs that are made for it have this probe, and
    it alone.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._process = os.getpid()

    def finish(self) -> None:
        """Tries each rung, and writes an event of each; not in workers and further ranks."""
        if os.getpid() != self._process or int(os.environ.get("RANK") or 0):
            return
        ground = Ground(self, monotonic() + SECONDS, RUNG_S)
        for name, rung in RUNGS:
            began = monotonic()
            outcome = _tried(rung, ground)
            self.watch.event(
                "ladder_rung", rung=name, state=outcome.state, said=outcome.said,
                numbers=outcome.numbers, seconds=round(monotonic() - began, 3),
            )  # fmt: skip


def _tried(rung: Callable[[Ground], Outcome], ground: Ground) -> Outcome:
    if not ground.seen.batches:
        return untried(ground.seen.why or "no batch was seen")
    if monotonic() > ground.until:
        return untried("the time for all rungs was over")
    try:
        with undisturbed():
            return quietly(lambda: rung(ground))
    except NotReplayable as why:
        return untried(str(why))
    except Exception as error:
        says = (str(error).splitlines() or [""])[0][:200]
        return untried(f"computing it again failed ({type(error).__name__}: {says})")


PROBES: tuple[type[Probe], ...] = (Ladder, Batches, HeldOut)
"""All that looks at a run that climbs; the others follow what models are given."""
