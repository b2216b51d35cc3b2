"""Probe: gradients that a closure, called again within a step, still finds from its last call."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...watching.measures import norms, stored, total
from ...watching.probe import Probe


class Closures(Probe):
    """Signal `stale_in_closure`: of a step that calls its closure more than once, as L-BFGS does.

    The norm of the optimizer's gradients when the first backward pass of a call begins, the least
    over all calls but the first. Each of them is to compute the gradient anew.
    """

    name = "closures"
    sampled: ClassVar = ("closure_begin", "backward_begin", "step_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizer: Any = None
        self._begun = False
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Forgets the passes of an earlier iteration; its first one may be within a closure."""
        self._passed = False
        self._stale: torch.Tensor | None = None

    def on_closure_begin(self, optimizer: Any) -> None:
        """Awaits the call's first backward pass."""
        self._optimizer, self._begun = optimizer, True

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Measures what an earlier call has left."""
        if not self.watch.in_closure:
            return
        if self._begun and self._passed:
            left = [
                stored(p.grad)
                for group in self._optimizer.param_groups
                for p in group["params"]
                if p.grad is not None
            ]
            norm = total(norms(left))
            self._stale = norm if self._stale is None else torch.minimum(self._stale, norm)
        self._begun, self._passed = False, True

    def on_step_end(self, optimizer: Any) -> None:
        """Writes the least of them."""
        if self._stale is not None:
            self.watch.put("stale_in_closure", "", self._stale)
        self.iteration_begins()
        self._optimizer = None  # the user's own
