"""Probe: what gradients a call that clips was given: those of the step to come, or used ones."""

from __future__ import annotations

import math
import weakref
from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...watching.probe import Probe

LINES_AT_MOST = 64
OWN_WRITES = 2
"""A call that clips writes into a gradient once or twice."""


class Clipping(Probe):
    """Writes an event `clipping` for each line that clips, after 1, 2, 4, 8, ... sampled calls.

    Counts so far: `calls`; `used`, of gradients that an optimizer's step had used already and that
    no backward pass has written into since; `empty`, without any gradient, or with all of them
    zero; `larger`, whose norm was above the limit (on the CPU).
    """

    name = "clipping"
    always: ClassVar = ("clip",)
    sampled: ClassVar = ("step_end",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._used: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._counts: dict[Any, dict[str, int]] = {}

    def on_step_end(self, optimizer: Any) -> None:
        """Notes which gradients have been used, and how often each had been written into."""
        held = [p for group in optimizer.param_groups for p in group["params"]]
        for p in held:
            if p.grad is not None:
                self._used[id(p)] = weakref.ref(p.grad), p.grad._version
            else:
                self._used.pop(id(p), None)

    def on_clip(self, kind: str, limit: Any, parameters: Any, total: Any) -> None:
        """Gradients were clipped: which ones?"""
        if not self.watch.sampling:
            return
        site = user_site(2)
        if site not in self._counts and len(self._counts) >= LINES_AT_MOST:
            return
        counts = self._counts.setdefault(site, {"calls": 0, "used": 0, "empty": 0, "larger": 0})
        counts["calls"] += 1
        clipped = [p for p in parameters if isinstance(p, torch.Tensor) and p.grad is not None]
        norm = float(total) if isinstance(total, torch.Tensor) and total.is_cpu else math.nan
        if not clipped or norm == 0:
            counts["empty"] += 1
        elif all(map(self._was_used, clipped)):
            counts["used"] += 1
        counts["larger"] += norm > float(limit)
        if counts["calls"] & (counts["calls"] - 1) == 0:
            self.watch.event("clipping", of=kind, limit=float(limit), **counts)

    def _was_used(self, parameter: torch.Tensor) -> bool:
        ref, version = self._used.get(id(parameter), (None, 0))
        gradient = parameter.grad
        if ref is None or gradient is None or ref() is not gradient:
            return False
        return bool(gradient._version - version <= OWN_WRITES)
