"""Probe: backward passes whose gradients are cleared before any optimizer has used them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...watching.graph import walk
from ...watching.measures import inner
from ...watching.probe import Probe

NODES_AT_MOST = 20_000
WITNESSES, WITNESS_ELEMENTS = 16, 512
PARALLEL = 0.999
"""Cosine from which on a gradient is that of the last pass, clipped or unscaled perhaps."""


class Wasted(Probe):
    """Signal `passes_wasted`: of the passes before a step, the share whose gradients were cleared.

    That is 3 of 4 where a script accumulates over four batches and clears before each. A pass for
    something else is none: one whose gradient goes to other leaves (adversarial examples), through
    a graph that is kept, or after which weights are moved by hand before the next (sharpness-aware
    steps); nor one whose gradient comes back in the step's (gradient surgery), nor one whose
    gradient was not finite, whose step somebody left out. Event `pass_wasted`: the line that
    clears.
    """

    name = "wasted"
    sampled: ClassVar = ("backward_begin", "backward_end", "zero_grad", "gradients_ready")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._told: set[int] = set()
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Forgets an earlier iteration."""
        self._passes = 0
        self._cleared_ones: list[torch.Tensor] = []
        self._open = self._cleared = self._other = False
        self._by: Any = None
        self._versions: list[int] = []
        self._last: list[torch.Tensor] = []

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Notes whether the last pass was for nothing, and whether this one is a usual one."""
        held = self._held()
        versions = [p._version for p in held]
        if self._open:
            self._other |= versions != self._versions
            gone = self._cleared or not any(p.grad is not None for p in held)
            if gone:
                self._cleared_ones.append(_finite(self._last))
        self._versions = versions
        self._open = self._cleared = False
        self._other |= kept or self.watch.in_closure or not _goes_to(roots, held)

    def on_backward_end(self, roots: Any) -> None:
        """New gradients are there."""
        self._passes += 1
        self._open = True
        self._last = [part.clone() for part in _parts(self._held())]

    def on_zero_grad(self, owner: Any) -> None:
        """Somebody clears gradients that no step has used."""
        if self._open and not self._cleared:
            self._cleared = True
            self._by = self._by or user_site(2)

    def on_gradients_ready(self, optimizer: Any) -> None:
        """A step uses what is there."""
        if not self._passes:
            return
        training = self.watch.training(optimizer)
        share: float | torch.Tensor = 0.0
        if self._cleared_ones and not self._other:
            now = _parts(self._held())
            if [part.shape for part in now] == [part.shape for part in self._last] and now:
                length = inner(now, now).sqrt() * inner(self._last, self._last).sqrt()
                same = inner(now, self._last) > PARALLEL * length
                wasted = torch.stack(self._cleared_ones).double().sum()
                share = same.double() * wasted / self._passes
            line = None if self._by is None else list(self._by)
            if training.index not in self._told:
                self._told.add(training.index)
                self.watch.event("pass_wasted", training, by=line)
        self.watch.put("passes_wasted", "", share)
        self.iteration_begins()

    def _held(self) -> list[torch.Tensor]:
        """Returns the parameters of all optimizers that step."""
        return [
            p
            for training in self.watch.trainings
            if (optimizer := training.optimizer()) is not None
            for group in optimizer.param_groups
            for p in group["params"]
        ]


def _parts(parameters: list[torch.Tensor]) -> list[torch.Tensor]:
    """Returns the first elements of some gradients."""
    dense = [p.grad for p in parameters if p.grad is not None and not p.grad.is_sparse]
    chosen = dense[:: max(len(dense) // WITNESSES, 1)][:WITNESSES]
    return [grad.detach().reshape(-1)[:WITNESS_ELEMENTS] for grad in chosen]


def _finite(parts: list[torch.Tensor]) -> torch.Tensor:
    """Returns whether these are all finite, without waiting for a device."""
    if not parts:
        return torch.tensor(True)
    return torch.stack([part.isfinite().all() for part in parts]).all()


def _goes_to(roots: Any, held: list[torch.Tensor]) -> bool:
    """Whether a loss has gradients for these leaves alone."""
    if not isinstance(roots, torch.Tensor) or roots.grad_fn is None:
        return False
    known = {id(p) for p in held}
    leaves = (getattr(node, "variable", None) for node, _ in walk(roots.grad_fn, NODES_AT_MOST))
    return all(leaf is None or id(leaf) in known for leaf in leaves)
