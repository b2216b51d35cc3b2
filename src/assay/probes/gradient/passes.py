"""Probe: what backward passes left for a step, where there were several or a loss was scaled."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any, ClassVar

import torch

from ...replay.structure import tensors
from ...seams.arguments import bind
from ...seams.callsite import user_site
from ...seams.precision import goes_through
from ...watching.measures import norms, stored, total
from ...watching.probe import Probe

OPTIMIZERS_AT_MOST = 16


class Passes(Probe):
    """Signals of each sampled step that several passes, or one of a scaled loss, were made for.

    `raw_grad_norm`: norm of the optimizer's gradients as the last pass left them. `scaled_passes`:
    how many went through a loss that a GradScaler had scaled, and `loss_scaled_by` its factor.
    `mean_loss_passes`: passes from one line on a loss as the loss function gave it, a mean over its
    batch. Event `unscaled_pass`: one of them was of a loss that nobody scaled.
    """

    name = "passes"
    always: ClassVar = ("optimizer_created", "scaled")
    sampled: ClassVar = ("loss", "backward_begin", "backward_end", "gradients_ready")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizers: list[weakref.ref[Any]] = []
        self._means: list[weakref.ref[torch.Tensor]] = []
        self._scaled: set[int] = set()
        self._raw: dict[int, torch.Tensor] = {}
        self._ever_scaled = False
        self._told = False
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Forgets the passes of an earlier iteration."""
        self._passes = self._scaled_passes = 0
        self._mean_passes: Counter[Any] = Counter()
        self._plain_at: Any = None
        self._means.clear()
        self._scaled.clear()
        self._raw.clear()

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Notes whose gradients are to be measured."""
        self._optimizers = [ref for ref in self._optimizers if ref() is not None]
        if len(self._optimizers) < OPTIMIZERS_AT_MOST:
            self._optimizers.append(weakref.ref(optimizer))

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """A loss function gave back the mean over its batch."""
        if bind(function, args, kwargs).get("reduction", "mean") == "mean":
            self._means.append(weakref.ref(result))

    def on_scaled(self, original: Any, scaled: Any) -> None:
        """A GradScaler multiplied a loss; one that is disabled gives back what it was given."""
        if scaled is original or not self.watch.sampling:
            return
        pairs = zip(tensors(original), tensors(scaled), strict=True)
        for loss, larger in pairs:
            if larger.grad_fn is not None:
                self._scaled.add(larger.grad_fn._sequence_nr())
            if self._is_mean(loss):
                self._means.append(weakref.ref(larger))
            if loss.numel() == 1:
                with torch.no_grad(), self.watch.unrecorded():
                    self.watch.put("loss_scaled_by", "", larger.detach() / loss.detach())

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Counts the pass, by what it goes through."""
        self._passes += 1
        if any(goes_through(root.grad_fn, self._scaled) for root in tensors(roots)):
            self._scaled_passes += 1
            self._ever_scaled = True
        elif self._plain_at is None:
            self._plain_at = user_site(2)
        if isinstance(roots, torch.Tensor) and self._is_mean(roots):
            self._mean_passes[user_site(2)] += 1

    def on_backward_end(self, roots: Any) -> None:
        """Measures the gradients as this pass left them; the last pass before the step counts."""
        if self._passes < 2 and not self._scaled_passes:
            return
        for ref in self._optimizers:
            optimizer = ref()
            if optimizer is not None and (gradients := _gradients(optimizer)):
                self._raw[id(optimizer)] = total(norms(gradients))

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Writes what the step was given."""
        put = self.watch.put
        if self._ever_scaled:
            put("scaled_passes", "", float(self._scaled_passes))
            if 0 < self._scaled_passes < self._passes and not self._told:
                self._told = True
                self.watch.line(
                    "event", e="unscaled_pass", i=self.watch.iteration,
                    s=self.watch.training(optimizer).step, site=self._plain_at, data={},
                )  # fmt: skip
        if self._passes:
            put("mean_loss_passes", "", float(max(self._mean_passes.values(), default=0)))
        raw = self._raw.get(id(optimizer))
        if raw is not None:
            put("raw_grad_norm", "", raw)

    def _is_mean(self, loss: torch.Tensor) -> bool:
        return any(ref() is loss for ref in self._means)


def _gradients(optimizer: Any) -> list[torch.Tensor]:
    return [
        gradient
        for group in optimizer.param_groups
        for p in group["params"]
        if p.grad is not None and (gradient := stored(p.grad)).numel()
    ]
