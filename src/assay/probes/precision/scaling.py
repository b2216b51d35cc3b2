"""Probe: a GradScaler: which steps went through it, and which went past it."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ...replay.structure import tensors
from ...watching.probe import Probe

WRITTEN_EACH = 1.2
"""A line is written when the number of scaled losses has grown by a fifth."""


class Scaling(Probe):
    """Writes `scaler` events: counts of what was done with GradScalers so far.

    `scaled` losses, `unscaled` calls, `steps` through the scaler, `updates`, `scalers` in use; and
    on the sampled iterations, of which there were `looked_at` with a scaled loss: `past`, how often
    an optimizer stepped by itself on gradients of which every loss was scaled and that nobody
    unscaled. `late`: steps through a scaler that had been updated since a loss was last scaled.
    """

    name = "scaling"
    always: ClassVar = ("scaled", "unscaled", "scaler_step", "scaler_update")
    sampled: ClassVar = ("backward_begin", "step_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._counts = {"scaled": 0, "unscaled": 0, "steps": 0, "updates": 0, "late": 0,
                        "looked_at": 0, "past": 0}  # fmt: skip
        self._next = 1.0
        self._scalers: set[int] = set()
        self._losses: list[weakref.ref[torch.Tensor]] = []
        self._passes = self._scaled_passes = 0
        self._unscaled: set[int] = set()
        self._through: int | None = None
        self._updated: int | None = None

    def iteration_begins(self) -> None:
        """Forgets the losses of an earlier iteration."""
        self._losses.clear()
        self._unscaled.clear()
        self._passes = self._scaled_passes = 0

    def on_scaled(self, original: Any, scaled: Any) -> None:
        """GradScaler.scale was called; one that is disabled gives back what it was given."""
        if scaled is original:
            return
        self._counts["scaled"] += 1
        self._updated = None
        if self.watch.sampling:
            self._losses += [weakref.ref(one) for one in tensors(scaled)]

    def on_unscaled(self, scaler: Any, optimizer: Any) -> None:
        """GradScaler.unscale_ was called."""
        self._counts["unscaled"] += 1
        self._unscaled.add(id(optimizer))

    def on_scaler_step(self, scaler: Any, optimizer: Any) -> None:
        """GradScaler.step begins."""
        self._counts["steps"] += 1
        self._through = id(optimizer)
        if self._updated == id(scaler):
            self._counts["late"] += 1
            self._write(now=self._counts["late"] == 1)

    def on_scaler_update(self, scaler: Any) -> None:
        """GradScaler.update returned."""
        if not scaler.is_enabled():
            return
        self._counts["updates"] += 1
        self._scalers.add(self.watch.scalers.of(scaler))
        self._through = None
        self._updated = id(scaler)
        self._write()

    def on_backward_begin(self, roots: Any, kept: Any) -> None:
        """Whether the gradients of this pass are scaled."""
        self._passes += 1
        scaled = [loss for ref in self._losses if (loss := ref()) is not None]
        self._scaled_passes += any(one is root for root in tensors(roots) for one in scaled)

    def on_step_end(self, optimizer: Any) -> None:
        """Whether this step went past the scaler."""
        if not self._scaled_passes:
            return
        self._counts["looked_at"] += 1
        through, self._through = self._through == id(optimizer), None
        if (
            not through
            and self._passes == self._scaled_passes
            and id(optimizer) not in self._unscaled
        ):
            self._counts["past"] += 1
            self._write(now=self._counts["past"] == 1)
        else:
            self._write()

    def finish(self) -> None:
        """Writes the last counts."""
        self._write(now=bool(self._counts["scaled"]))

    def _write(self, *, now: bool = False) -> None:
        scaled = self._counts["scaled"]
        if now or scaled >= self._next:
            self._next = max(scaled + 1, scaled * WRITTEN_EACH)
            self.watch.event("scaler", scalers=max(len(self._scalers), 1), **self._counts)
