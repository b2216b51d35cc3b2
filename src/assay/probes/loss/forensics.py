"""Probe: which operation made a loss or a gradient NaN, where its step was recorded."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...forensics.calls import Birth
from ...forensics.facts import is_finite, looks
from ...forensics.replayed import broken_gradient, broken_loss
from ...forensics.told import told
from ...replay.replays import Replays
from ...replay.structure import NotReplayable
from ...watching.probe import Probe

TRACED_AT_MOST = 3
"""Steps of a run: the first may be one that a scaler skips."""


class Forensics(Probe):
    """Writes `nonfinite_traced` for the first losses and gradients on the CPU that aren't finite.

    Only of iterations whose batch was recorded; the others are traced by a second run.
    """

    name = "forensics"
    sampled: ClassVar = ("backward_begin", "gradients_ready")

    def __init__(self, watch: Any) -> None:
        self._replays: Replays = watch.shared(Replays)
        super().__init__(watch)
        self._traced = 0
        self._batch: int | None = None

    def iteration_begins(self) -> None:
        """Forgets the batch."""
        self._batch = None

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Looks at the loss."""
        loss = self._replays.recorded
        if loss is None or not loss.is_cpu or self._done():
            return
        call = self._replays.calls[0] if self._replays.calls else None
        given = next(iter(call.inputs.values()), None) if call is not None else None
        self._batch = len(given) if given is not None and given.dim() else None
        if not is_finite(loss) and len(self.watch.trainings) <= 1:
            self._trace("loss", None, None)

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Looks at the gradients, while the batch is held."""
        loss = self._replays.recorded
        if loss is None or not loss.is_cpu or self._done() or not is_finite(loss):
            return
        for group in optimizer.param_groups:
            for weight in group["params"]:
                gradient = weight.grad
                if looks(gradient) and gradient.is_cpu and not is_finite(gradient):
                    self._trace("gradient", weight, optimizer)
                    return

    def _done(self) -> bool:
        return self._traced >= TRACED_AT_MOST

    def _trace(self, what: str, weight: torch.Tensor | None, optimizer: Any) -> None:
        self._traced += 1
        names, trainings = self.watch.names, self.watch.trainings
        try:
            birth: Birth | None = (
                broken_loss(self._replays, names)
                if weight is None
                else broken_gradient(self._replays, names, weight)
            )
        except NotReplayable:
            return  # a second run can tell
        if birth is None or not birth.op or birth.meant:
            return
        mine = [t for t in trainings if optimizer is None or t.optimizer() is optimizer]
        training = mine[0] if mine else None
        self.watch.event(
            "nonfinite_traced",
            training,
            at=training.step if training is not None else 0,
            what=what,
            owner=None if weight is None else names.parameter(weight),
            **told(birth, names, self._batch),
        )
