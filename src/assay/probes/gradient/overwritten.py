"""Probe: which step wrote into weights that a backward pass still needed as they had been."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import torch

from ...watching.probe import Probe
from ...watching.training import TrainingLog
from ..loss.origins import NODES_AT_MOST

_SAID = re.compile(r"modified by an inplace operation: \[\S* \[([\d, ]*)\]\].* is at version (\d+)")
"""What autograd says: the shape of the tensor, perhaps transposed, and how often it was written."""


class Overwritten(Probe):
    """Writes one `overwritten` event as a backward pass fails on weights that a step has changed.

    Autograd gives the shape and the version of what was changed. A weight in the graph of the loss
    that has both, and whose optimizer has stepped, is the one, unless another with both was changed
    by something else.
    """

    name = "overwritten"
    always: ClassVar = ("backward_failed",)

    def on_backward_failed(self, roots: Any, error: BaseException) -> None:
        """Looks for the weight, and for the training that steps on it."""
        said = _SAID.search(str(error))
        if said is None:
            return
        shape, version = sorted(int(s) for s in said[1].split(",") if s.strip()), int(said[2])
        leaves = _leaves(roots if isinstance(roots, (tuple, list)) else (roots,))
        fitting = [p for p in leaves if sorted(p.shape) == shape and p._version == version]
        steppers = [self._stepper(p) for p in fitting]
        if fitting and None not in steppers:  # else it may have been one that no step has changed
            name = self.watch.names.parameter(fitting[0]) or "a weight"
            self.watch.event("overwritten", steppers[0], parameter=name)

    def _stepper(self, leaf: torch.Tensor) -> TrainingLog | None:
        """Returns the training whose optimizer has stepped on a weight."""
        for training in self.watch.trainings:
            optimizer = training.optimizer()
            groups = optimizer.param_groups if optimizer is not None else ()
            if training.step and any(p is leaf for group in groups for p in group["params"]):
                return training
        return None


def _leaves(roots: Any) -> list[torch.Tensor]:
    """Returns the leaves of the graphs below these tensors."""
    waiting = [root.grad_fn for root in roots if getattr(root, "grad_fn", None) is not None]
    nodes, leaves = set(waiting), []
    while waiting and len(nodes) < NODES_AT_MOST:
        node = waiting.pop()
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        for below, _ in node.next_functions:
            if below is not None and below not in nodes:
                nodes.add(below)
                waiting.append(below)
    return leaves
