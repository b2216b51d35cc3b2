"""Probe: the loss of training batches as a model that is used has it; only in trials."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from ..replay.asking import Proofs
from ..replay.replays import Replays
from ..replay.structure import NotReplayable, quietly, size, undisturbed
from ..replay.tape import Kept
from ..replay.twin import Twin
from ..watching.probe import Probe
from .mode import loss_of_answers
from .stored import Stored

BATCHES = 8
"""Of the first iterations: runs of one seed are given the same, whatever trick is on."""
BYTES_AT_MOST = 32 * 2**20
"""Of copies of these batches."""


class Ending(Probe):
    """Stores the first batches, and asks for their loss in evaluation mode when the run ends.

    What a loss in training measures depends on the mode: noise such as dropout makes it larger. So
    where a trick changes the mode or the noise, two runs are compared by this. Event `loss_at_end`.
    """

    name = "ending"
    sampled: ClassVar[tuple[str, ...]] = ("backward_begin",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._replays: Replays = watch.shared(Replays)
        self._batches: list[Stored] = []
        self._kept: Kept = {}
        self._held = 0
        self._why = "no batch was seen"
        self._process = os.getpid()

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Stores the batch of this iteration."""
        here, replays = self.watch.iteration, self._replays
        again = bool(self._batches) and self._batches[-1].iteration == here
        if here >= BATCHES or again or self._held > BYTES_AT_MOST:
            return
        try:
            tape = replays.tape
            if not self._batches:
                replays.verify()
            if len(replays.calls) != 1:
                raise NotReplayable("the model is called several times in one step")
            scored = replays.scored[0] if len(replays.scored) == 1 else None
            stored = Stored(tape, replays.loss_number, scored, replays.calls[0], here)
        except NotReplayable as why:
            self._why = str(why)
            return
        before = {id(entry[2]) for entry in self._kept.values()}
        self._kept = tape.keep(self._kept)
        self._held += size([e[2] for e in self._kept.values() if id(e[2]) not in before])
        self._batches.append(stored)

    def finish(self) -> None:
        """Computes the loss, on a twin; not in workers and further ranks."""
        if os.getpid() != self._process or int(os.environ.get("RANK") or 0):
            return
        loss, why = None, self._why
        if self._batches:
            try:
                with undisturbed():
                    loss = quietly(self._loss)
            except Exception as error:  # of the model, or what forbids to call it once more
                why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        self.watch.event(
            "loss_at_end", loss=loss, batches=len(self._batches), why=why if loss is None else None
        )

    def _loss(self) -> float:
        call = self._batches[-1].call
        assert call is not None
        if why := Proofs().why_not(call.module):
            raise NotReplayable(f"the model can't be called once more: {why}")
        own = [b for b in self._batches if b.call is not None and b.call.module is call.module]
        return loss_of_answers(own, Twin(call.module, training=False).module)
