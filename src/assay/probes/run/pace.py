"""Probe: where the time of a step goes, and how much memory is held."""

from __future__ import annotations

import resource
import sys
from time import perf_counter
from typing import Any, ClassVar

import torch

from ...watching.probe import Probe

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in one unit of `ru_maxrss` (getrusage(2))."""


class Pace(Probe):
    """Seconds of a sampled iteration by part, our own time left out; memory at its end.

    Signals: `data_wait_s` (the loop waited for a DataLoader), `forward_s` (calls of root modules
    with gradients on), `backward_s`, `step_s` (the optimizer's own code), each summed over the
    iteration, and `elsewhere_s`, what is left since the step before; `memory_peak`
    (bytes: resident, of the process so far) or, with CUDA, `memory_allocated` and `memory_peak` on
    the current device. An accelerator works on after a call has returned, so that parts are timed
    on the CPU only. Where the sharpness is measured it is part of the backward pass.
    """

    name = "pace"
    sampled: ClassVar = (
        "batch", "root_begin", "root_end", "backward_begin", "backward_end",
        "step_begin", "step_end",
    )  # fmt: skip

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._began: dict[str, tuple[float, float]] = {}
        self._took: dict[str, float] = {}
        self._waited = 0.0
        self._fetched = False
        self._ended: tuple[int, float] | None = None

    def iteration_begins(self) -> None:
        """Forgets the parts; the wait for the batch lies before an iteration, and is kept."""
        self._began.clear()
        self._took.clear()

    def on_batch(self, loader: Any, batch: Any, waited: float) -> None:
        """Adds how long the loop waited for its data."""
        self._waited, self._fetched = self._waited + waited, True

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Starts the clock of the forward pass."""
        self._begin("forward_s")

    def on_root_end(self, module: Any, result: Any) -> None:
        """Stops it."""
        self._end("forward_s")

    def on_backward_begin(self, roots: Any, kept: Any) -> None:
        """Starts the clock of the backward pass."""
        self._begin("backward_s")

    def on_backward_end(self, roots: Any) -> None:
        """Stops it."""
        self._end("backward_s")

    def on_step_begin(self, optimizer: Any, has_closure: Any) -> None:
        """Starts the optimizer's clock; what a closure computes in it is not the step."""
        if not has_closure:
            self._begin("step_s")

    def on_step_end(self, optimizer: Any) -> None:
        """Stops it, and writes the step's numbers."""
        self._end("step_s")
        held = next((p for group in optimizer.param_groups for p in group["params"]), None)
        put = self.watch.put
        waited = self._waited
        if self._fetched:
            put("data_wait_s", "", waited)
        self._waited, self._fetched = 0.0, False
        if held is None or held.device.type == "cpu":
            for part, seconds in self._took.items():
                put(part, "", max(seconds, 0.0))
            now, at = perf_counter(), self.watch.iteration
            if self._ended is not None and self._ended[0] == at - 1:
                known = sum(self._took.values()) + waited + self.watch.own_s
                put("elsewhere_s", "", max(now - self._ended[1] - known, 0.0))
            self._ended = at, now
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            put("memory_peak", "", float(peak * _RSS_UNIT))
            return
        self.watch.skip("time by part", "an accelerator works on after a call has returned")
        if held.device.type == "cuda":
            put("memory_allocated", "", float(torch.cuda.memory_allocated(held.device)))
            put("memory_peak", "", float(torch.cuda.max_memory_allocated(held.device)))

    def _begin(self, part: str) -> None:
        self._began[part] = perf_counter(), self.watch.own_s

    def _end(self, part: str) -> None:
        began = self._began.pop(part, None)
        if began is not None:
            now, own = perf_counter(), self.watch.own_s
            took = now - began[0] - (own - began[1])
            self._took[part] = self._took.get(part, 0.0) + took
