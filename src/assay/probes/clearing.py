"""Probe: gradients that were cleared between the backward pass and the step that needs them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ..watching.measures import stored
from ..watching.probe import Probe


class Clearing(Probe):
    """Signal `gradient_discarded`: 1 for a step whose gradients were cleared before it, else 0.

    Cleared means: `zero_grad` of the optimizer, or of a module whose parameters it holds, came
    after the last backward pass, and all its gradients are gone or zero when it steps. A script
    that clears them and then puts its own in their place (gradient surgery) has gradients.
    """

    name = "clearing"
    sampled: ClassVar = ("backward_end", "zero_grad", "gradients_ready")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._passed = False
        self._cleared: list[Any] = []

    def iteration_begins(self) -> None:
        """Forgets an earlier iteration."""
        self._passed = False
        self._cleared.clear()

    def on_backward_end(self, roots: Any) -> None:
        """New gradients are there."""
        self._passed = True
        self._cleared.clear()

    def on_zero_grad(self, owner: Any) -> None:
        """Somebody clears gradients."""
        if self._passed:
            self._cleared.append(owner)

    def on_gradients_ready(self, optimizer: Any) -> None:
        """A step begins: is there anything left for it?"""
        value: float | torch.Tensor = 0.0
        if self._passed and any(_holds(owner, optimizer) for owner in self._cleared):
            left = [
                stored(p.grad)
                for group in optimizer.param_groups
                for p in group["params"]
                if p.grad is not None
            ]
            device = left[0].device if left else None
            gone = [(g == 0).all().to(device) for g in left]
            value = torch.stack(gone).all().float() if gone else 1.0
        if self._passed:
            self.watch.put("gradient_discarded", "", value)
        self._cleared.clear()  # the user's own objects


def _holds(owner: Any, optimizer: Any) -> bool:
    """Whether clearing `owner` clears gradients of this optimizer."""
    if owner is optimizer:
        return True
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if isinstance(owner, torch.nn.Module):
        return any(id(p) in held for p in owner.parameters())
    return any(id(p) in held for group in owner.param_groups for p in group["params"])
