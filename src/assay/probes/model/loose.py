"""Parameters that a backward pass reaches and that belong to no module: layers in a plain list."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from ...watching.leaves import leaves_below
from ...watching.names import Names

LOOKS = 3
"""Iterations of each training whose graph is walked: what is new in each is no weight."""
PARAMETERS_AT_MOST = 200

Site = tuple[str, int, str]


class Loose:
    """Finds the leaves of a graph that no known model has, and the layers that they are in.

    Args:
        names: Knows the models.
        site: Returns the line that built a module.
        is_loaded: Whether a parameter came from a checkpoint.
    """

    def __init__(
        self,
        names: Names,
        site: Callable[[Any], Site | None],
        is_loaded: Callable[[torch.Tensor], bool],
    ) -> None:
        self._names, self._site, self._is_loaded = names, site, is_loaded
        self._looked: dict[int, int] = {}
        self._modules: dict[int, weakref.ref[Any]] = {}
        self._seen: dict[int, tuple[weakref.ref[Any], int]] = {}

    def wanted(self, training: int) -> bool:
        """Whether the graphs of this training are still to be looked at."""
        return self._looked.get(training, 0) < LOOKS

    def called(self, module: torch.nn.Module) -> None:
        """Notes a module that is called and is part of no model."""
        if self._names.module(module) is None and len(self._modules) < PARAMETERS_AT_MOST:
            self._modules[id(module)] = weakref.ref(module)

    def look(self, training: int, roots: Any) -> None:
        """Walks the graph of a loss."""
        self._looked[training] = self._looked.get(training, 0) + 1
        for leaf in leaves_below(roots if isinstance(roots, (list, tuple)) else (roots,)):
            if isinstance(leaf, torch.nn.Parameter) and self._names.parameter(leaf) is None:
                known = self._seen.get(id(leaf))
                times = known[1] if known is not None and known[0]() is leaf else 0
                if known is not None or len(self._seen) < PARAMETERS_AT_MOST:
                    self._seen[id(leaf)] = weakref.ref(leaf), times + 1

    def found(self, held: set[int]) -> tuple[list[str], list[torch.Tensor], Site | None]:
        """Returns names and tensors with a gradient that are in no optimizer, and their line.

        What was met in one graph only, came from a checkpoint, or is in a module in evaluation
        mode, is left out.
        """
        waiting = [
            p
            for ref, times in self._seen.values()
            if times >= LOOKS - 1 and (p := ref()) is not None
        ]
        if any(self._names.parameter(p) is None for p in waiting):
            self._names.rescan()  # what was added since has a name by now
        owners = {}
        for ref in self._modules.values():
            module = ref()
            for name, p in module._parameters.items() if module is not None else ():
                owners[id(p)] = module, name
        names, tensors, site = [], [], None
        for p in waiting:
            if p.grad is None or id(p) in held:
                continue
            if self._names.parameter(p) is not None or self._is_loaded(p):
                continue
            module, name = owners.get(id(p), (None, "parameter"))
            if module is not None and not module.training:
                continue
            names.append(name if module is None else f"{type(module).__name__}.{name}")
            tensors.append(p.detach())
            site = site or (self._site(module) if module is not None else None)
        return names, tensors, site

    def listed(self, roots: list[torch.nn.Module]) -> set[int]:
        """Returns the parameters of roots that stand in a plain list or dict of another model.

        Such layers are roots of their own, since no module knows them. Those in evaluation mode,
        and loaded weights, are left out.
        """
        if len(roots) < 2:
            return set()
        inside: set[int] = set()
        for root in roots:
            for module in root.modules():
                for key, value in vars(module).items():
                    held = value.values() if type(value) is dict else value
                    if type(value) in (list, tuple, dict) and key != "_modules":
                        inside.update(id(m) for m in held if isinstance(m, torch.nn.Module))
        return {
            id(p)
            for root in roots
            if id(root) in inside and root.training
            for p in root.parameters()
            if not self._is_loaded(p)
        }
