"""Probe: which share of the gradient float16 rounds to 0, by a backward pass of more scale."""

from __future__ import annotations

from time import perf_counter
from typing import Any, ClassVar

import torch

from ...curvature.second_order import SecondOrder, trained
from ...seams.recording import special_mode
from ...watching.graph import walk

FACTORS = (2.0**12, 2.0**8, 2.0**4, 2.0)
"""By how much the loss is scaled up, the first that does not overflow; powers of 2 change no digit
of a normal number."""
STEPS_PER_MEASUREMENT = 2.5
"""Two backward passes at least."""
OPENING = (0, 2, 8, 20)
"""Iterations of an opening at which it is measured."""
GROWTH = 4
"""After these each gap is one part in so many of the iterations so far."""
NODES_AT_MOST = 20_000


class HalfGradients(SecondOrder):
    """Compares the gradient of a loss with that of the same loss times a power of 2.

    Signal, per parameter and at place "" for all: `grad_underflow_share`, of the elements that are
    not 0 with the larger loss, those that are 0 as the script scales it; 0 where no larger loss
    has finite gradients. Only where float16 is in use: in autocast, or as the type of weights.
    """

    name = "half_gradients"
    always: ClassVar = (*SecondOrder.always, "autocast")
    sampled: ClassVar = ("backward_begin",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._autocast = False
        self._next = 0
        self._measured_at = -1

    def on_autocast(self, device_type: str, dtype: Any, enabled: bool) -> None:
        """Notes that float16 is in use."""
        self._autocast = self._autocast or (bool(enabled) and dtype is torch.float16)

    def on_scaled(self, original: Any, scaled: Any) -> None:
        """Refuses nothing: what is asked is whether the scale is enough."""

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Measures, where it is time and its turn."""
        watch, iteration = self.watch, self.watch.iteration
        if iteration < self._next or iteration == self._measured_at or watch.in_closure:
            return
        optimizer = self.only_optimizer()
        parameters = [] if optimizer is None else trained(optimizer)
        if not self._autocast and not any(p.dtype is torch.float16 for p in parameters):
            return
        why = self._why_not(roots, parameters)
        if why is not None:
            watch.skip("half_gradients", why)
            return
        if not watch.grant(STEPS_PER_MEASUREMENT):
            return
        self._measured_at = iteration
        later = [at for at in OPENING if at > iteration]
        self._next = later[0] if later else iteration + max(iteration // GROWTH, 1)
        began = perf_counter()
        try:
            with watch.silence():
                self._measure(roots, parameters)
        except (RuntimeError, torch.OutOfMemoryError) as error:
            watch.skip("half_gradients", (str(error).splitlines() or [""])[0][:200])
            self._next = 1 << 62
        watch.charge(began)

    def _why_not(self, loss: Any, parameters: list[torch.Tensor]) -> str | None:
        """Says what forbids another backward pass through this graph; None if nothing does."""
        if self.refusal is not None or self.watch.compiled:
            return self.refusal or "compiled"
        if (mode := special_mode()) is not None:
            return mode
        if torch.is_anomaly_enabled():
            return "anomaly detection is on"
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or loss.grad_fn is None:
            return "backward was not called on one scalar loss"
        if not parameters:
            return "several optimizers"
        if any(p._backward_hooks for p in parameters):
            return "parameters have hooks"
        own = torch.autograd.function.BackwardCFunction
        if any(isinstance(node, own) for node, _ in walk(loss.grad_fn, NODES_AT_MOST)):
            return "the graph holds a function of the user's own"
        return None

    def _measure(self, loss: torch.Tensor, parameters: list[torch.Tensor]) -> None:
        now = self._gradients(loss, parameters, 1.0)
        if now is None:
            return  # it overflows already
        larger = next((g for f in FACTORS if (g := self._gradients(loss, parameters, f))), None)
        if larger is None:  # no larger loss is possible: none would save anything
            self.watch.put("grad_underflow_share", "", 0.0)
            return
        names = self.watch.names
        lost_in_all = seen_in_all = 0
        for parameter, small, large in zip(parameters, now, larger, strict=True):
            if small is None or large is None or small.layout is not torch.strided:
                continue
            alive = large != 0
            seen, lost = int(alive.sum()), int((alive & (small == 0)).sum())
            if seen and (name := names.parameter(parameter)) is not None:
                self.watch.put("grad_underflow_share", name, lost / seen)
            lost_in_all, seen_in_all = lost_in_all + lost, seen_in_all + seen
        if seen_in_all:
            self.watch.put("grad_underflow_share", "", lost_in_all / seen_in_all)

    def _gradients(
        self, loss: torch.Tensor, parameters: list[torch.Tensor], factor: float
    ) -> tuple[torch.Tensor | None, ...] | None:
        """Returns the gradients of the loss times a factor; None where one is not finite."""
        found: tuple[torch.Tensor | None, ...] = torch.autograd.grad(
            loss, parameters, torch.full_like(loss, factor), retain_graph=True, allow_unused=True
        )
        dense = [g for g in found if g is not None and g.layout is torch.strided]
        return found if all(bool(g.isfinite().all()) for g in dense) else None
