"""Probe: gradients that were cleared between the backward pass and the step that needs them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...watching.measures import stored
from ...watching.probe import Probe


class Clearing(Probe):
    """Signal `gradient_discarded`: 1 for a step whose gradients were cleared before it, else 0.

    Cleared means: `zero_grad` of the optimizer, or of a module whose parameters it holds, came
    after the last backward pass, or what this pass had left in `.grad` was taken away by hand, and
    all its gradients are gone or zero when it steps. A script that clears them and then puts its
    own in their place (gradient surgery) has gradients. Event `cleared`: the line that did it.
    """

    name = "clearing"
    sampled: ClassVar = ("backward_end", "zero_grad", "gradients_ready")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._passed = False
        self._cleared: list[tuple[Any, Any]] = []
        self._given: set[int] = set()
        self._judged: set[int] = set()
        self._told: set[tuple[int, Any]] = set()

    def iteration_begins(self) -> None:
        """Forgets an earlier iteration."""
        self._passed = False
        self._cleared.clear()
        self._given.clear()
        self._judged.clear()

    def on_backward_end(self, roots: Any) -> None:
        """New gradients are there."""
        self._passed = True
        self._cleared.clear()
        self._judged.clear()
        for training in self.watch.trainings:
            optimizer = training.optimizer()
            if optimizer is not None and _has_gradient(optimizer):
                self._given.add(training.index)

    def on_zero_grad(self, owner: Any) -> None:
        """Somebody clears gradients."""
        if self._passed:
            self._cleared.append((owner, user_site(2)))

    def on_gradients_ready(self, optimizer: Any) -> None:
        """A step begins: is there anything left for it?"""
        training = self.watch.training(optimizer)
        if not self._passed or training.index in self._judged:
            return
        self._judged.add(training.index)
        value: float | torch.Tensor = 0.0
        given = training.index in self._given
        by = next((site for owner, site in self._cleared if _holds(owner, optimizer)), None)
        if by is not None or (given and not _has_gradient(optimizer)):
            left = [
                stored(p.grad)
                for group in optimizer.param_groups
                for p in group["params"]
                if p.grad is not None
            ]
            device = left[0].device if left else None
            gone = [(g == 0).all().to(device) for g in left]
            value = torch.stack(gone).all().float() if gone else 1.0
            if (training.index, by) not in self._told:
                self._told.add((training.index, by))
                self.watch.event("cleared", training, by=by)
        self.watch.put("gradient_discarded", "", value)
        self._cleared.clear()  # the user's own objects


def _has_gradient(optimizer: Any) -> bool:
    return any(p.grad is not None for group in optimizer.param_groups for p in group["params"])


def _holds(owner: Any, optimizer: Any) -> bool:
    """Whether clearing `owner` clears gradients of this optimizer."""
    if owner is optimizer:
        return True
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if isinstance(owner, torch.nn.Module):
        return any(id(p) in held for p in owner.parameters())
    return any(id(p) in held for group in owner.param_groups for p in group["params"])
