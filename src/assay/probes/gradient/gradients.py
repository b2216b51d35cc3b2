"""Probe: gradients, weights and updates of a sampled step, parameter by parameter."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...watching.measures import (
    changed_shares,
    fingerprints,
    largest,
    nonfinite_share,
    norms,
    stored,
    total,
    zero_share,
)
from ...watching.probe import Probe
from ..model.structure import parameter_names

COPY_BYTES_AT_MOST = 256 * 2**20
"""Weights copied to measure their update take no more than this, nor a tenth of what is free."""


class Gradients(Probe):
    """Norms of gradient, weight and update; largest element; zero and non-finite shares.

    Signals: `grad_norm`, `grad_max`, `grad_zero_share`, `grad_nonfinite_share`, `weight_norm`,
    `weight_nonfinite_share`, `update_norm`, `weight_changed_share` (of its elements, those that the
    step changed) per parameter; `grad_norm`, `stale_grad_norm`, `weight_changed_share` and
    `weight_fingerprint` (at the first step per parameter, too) at place "" for all together.
    Gradients are as the optimizer uses them: after unscaling and clipping; of a sparse one the
    stored elements count. A norm is infinite only if an element is.
    """

    name = "gradients"
    sampled: ClassVar = ("backward_begin", "gradients_ready", "step_end", "step_skipped")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._before: dict[int, tuple[list[str], list[torch.Tensor], list[torch.Tensor]]] = {}
        self._stale: dict[int, torch.Tensor] = {}

    def iteration_begins(self) -> None:
        """Drops copies that a skipped step left."""
        self._before.clear()
        self._stale.clear()

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Measures what gradient is still there from before; the least over an iteration counts."""
        for training in self.watch.trainings:
            optimizer = training.optimizer()
            if optimizer is None:
                continue
            old = [
                stored(p.grad)
                for group in optimizer.param_groups
                for p in group["params"]
                if p.grad is not None
            ]
            norm = total(norms(old))
            known = self._stale.get(training.index)
            self._stale[training.index] = norm if known is None else torch.minimum(known, norm)

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Reads the gradients and copies the weights that the step is about to change."""
        watch = self.watch
        names, weights, gradients = [], [], []
        for index, group in enumerate(optimizer.param_groups):
            for name, p in zip(parameter_names(self, group, index), group["params"], strict=True):
                if p.grad is not None and (gradient := stored(p.grad)).numel():
                    names.append(name)
                    weights.append(p.detach())
                    gradients.append(gradient)
        if not names:
            return
        gradients = self._unscaled(optimizer, gradients)
        lengths = norms(gradients)
        for name, g, length in zip(names, gradients, lengths, strict=True):
            watch.put("grad_norm", name, length)
            watch.put("grad_max", name, largest(g))
            watch.put("grad_zero_share", name, zero_share(g))
            watch.put("grad_nonfinite_share", name, nonfinite_share(g, length))
        watch.put("grad_norm", "", total(lengths))
        for name, weight, length in zip(names, weights, norms(weights), strict=True):
            watch.put("weight_norm", name, length)
            watch.put("weight_nonfinite_share", name, nonfinite_share(weight, length))
        training = watch.training(optimizer)
        named = zip(names, weights, strict=True)
        for name, print_ in fingerprints(named, each=not training.step).items():
            watch.put("weight_fingerprint", name, print_)
        if training.index in self._stale:
            watch.put("stale_grad_norm", "", self._stale[training.index])
        size = sum(w.numel() * w.element_size() for w in weights)
        if size <= self._room(weights[0].device):
            self._before[training.index] = (names, weights, [w.clone() for w in weights])
        else:
            watch.skip("update_norm", f"a copy of the weights would take {size / 2**20:.0f} MiB")

    def on_step_end(self, optimizer: Any) -> None:
        """Measures how far the step moved each parameter."""
        names, weights, before = self._before.pop(
            self.watch.training(optimizer).index, ([], [], [])
        )
        if names:
            put = self.watch.put
            moved = torch._foreach_sub(weights, before)
            for name, norm in zip(names, norms(list(moved)), strict=True):
                put("update_norm", name, norm)
            shares, whole = changed_shares(list(zip(weights, before, strict=True)))
            for name, share in zip(names, shares, strict=True):
                put("weight_changed_share", name, share)
            put("weight_changed_share", "", whole)

    def on_step_skipped(self, optimizer: Any) -> None:
        """A step that did not happen has no update."""
        self._before.clear()

    @staticmethod
    def _unscaled(optimizer: Any, gradients: list[torch.Tensor]) -> list[torch.Tensor]:
        """Divides by the scale: a fused optimizer under a GradScaler unscales in its own step."""
        scale = getattr(optimizer, "grad_scale", None)
        if not isinstance(scale, torch.Tensor):
            return gradients
        return [g / scale.to(g.device) for g in gradients]

    @staticmethod
    def _room(device: torch.device) -> int:
        if device.type == "cuda":
            return min(COPY_BYTES_AT_MOST, torch.cuda.mem_get_info(device)[0] // 10)
        return COPY_BYTES_AT_MOST
