"""Probe: layers whose units are copies of each other, in the opening window."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...watching.probe import Probe
from .structure import parameter_names

EQUAL_WITHIN = 1e-5
"""Rows count as equal if no element differs by more than this share of the largest one: float32
rounding of a sum over a few thousand samples, not a difference that training made."""


NOISE = 1e-6
"""Gradients that differ by less than this share of the optimizer's largest one are equal, too:
identical outputs make those of the layers before them cancel to rounding noise."""


def twin_share(tensor: torch.Tensor, dim: int, noise: torch.Tensor | float = 0.0) -> torch.Tensor:
    """Returns the share of slices along `dim` that equal the slice before them (0 to 1)."""
    rows = tensor.detach().movedim(dim, 0).flatten(1)
    near = rows.abs().max() * EQUAL_WITHIN + noise
    return ((rows[1:] - rows[:-1]).abs().amax(1) <= near).float().mean()


class Symmetry(Probe):
    """Shares of rows and columns of a weight that equal their neighbours, in value and gradient.

    Signals `row_twin_share` and `column_twin_share` (the second for matrices only), per parameter:
    the smaller of the share among the weights and the share among their gradients. Only parameters
    whose first two rows or columns are equal at their first step are measured, and only in the
    opening window. Event `constant_init`: the user's line that gave such a parameter one value for
    all its elements.
    """

    name = "symmetry"
    always: ClassVar = ("constant_init",)
    sampled: ClassVar = ("gradients_ready",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._sides: dict[str, tuple[int, ...]] = {}
        self._made: dict[int, tuple[Any, str, Any]] = {}

    def on_constant_init(self, function: str, tensor: Any) -> None:
        """Remembers the line, should the tensor turn out to be a trained weight."""
        if isinstance(tensor, torch.Tensor) and tensor.dim() >= 2 and len(self._made) < 5000:
            self._made[id(tensor)] = (weakref.ref(tensor), function, user_site(2))

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Compares rows and columns of the weights that this step will change."""
        if not self.watch.is_opening:
            self._sides.clear()
            return
        noise: torch.Tensor | float = 0.0
        for index, group in enumerate(optimizer.param_groups):
            for name, p in zip(parameter_names(self, group, index), group["params"], strict=True):
                gradient = p.grad
                if (
                    gradient is None
                    or p.dim() < 2
                    or not p.numel()
                    or p.layout is not torch.strided
                    or gradient.layout is not torch.strided
                    or not p.is_floating_point()
                ):
                    continue
                sides = self._sides.get(name)
                if sides is None:
                    sides = self._sides[name] = self._equal_sides(p)
                    if sides:
                        self._note(name, p)
                if sides and isinstance(noise, float):
                    noise = NOISE * self._largest(optimizer, p.device)
                for dim in sides:
                    both = torch.minimum(twin_share(p, dim), twin_share(gradient, dim, noise))
                    self.watch.put(("row_twin_share", "column_twin_share")[dim], name, both)

    @staticmethod
    def _equal_sides(p: torch.Tensor) -> tuple[int, ...]:
        dims = (0, 1) if p.dim() == 2 else (0,)
        return tuple(
            dim
            for dim in dims
            if p.shape[dim] > 1 and bool((p.select(dim, 0) == p.select(dim, 1)).all())
        )

    @staticmethod
    def _largest(optimizer: Any, device: torch.device) -> torch.Tensor:
        gradients = [
            p.grad.detach()
            for group in optimizer.param_groups
            for p in group["params"]
            if p.grad is not None and p.grad.layout is torch.strided and p.grad.numel()
        ]
        return torch.stack([g.abs().max().float().to(device) for g in gradients]).max()

    def _note(self, name: str, p: torch.Tensor) -> None:
        made = self._made.get(id(p))
        if made is not None and made[0]() is p:
            self.watch.event_once("constant_init", name, parameter=name, of=made[1], by=made[2])
