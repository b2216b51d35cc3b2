"""Watches one call of a model and tells which axes of its weights are of which units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .rules import RULES, Axes, Seen, fixed, pointwise
from .spaces import Spaces

Spec = dict[str, list[list[tuple[int, int]]]]
"""By the name of a tensor, for each axis its atoms, the slowest first, as (atom, size); an atom
that must keep its order is -1. Tensors of which none may be permuted are left out."""


class Tracing(TorchDispatchMode):
    """Follows axes through the operations below autograd; nothing is computed otherwise."""

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.spaces = Spaces()
        self._axes: dict[int, Axes] = {}
        self._held: list[torch.Tensor] = []  # an id is one tensor's as long as that is alive
        self._weights = weights
        for tensor in weights.values():
            if id(tensor) not in self._axes:
                self._know(tensor, tuple(self.spaces.new(size) for size in tensor.shape))

    def spec(self, result: Any) -> Spec:
        """Returns what is known once the model has given its result, whose order counts."""
        for tensor in _tensors(result):
            self.spaces.pin(self._of(tensor).axes)
        spaces = self.spaces
        found: Spec = {}
        for name, tensor in self._weights.items():
            axes = [
                [(atom if spaces.free(atom) else -1, spaces.size((atom,)))
                 for atom in spaces.resolve(axis)]
                for axis in self._axes[id(tensor)]
            ]  # fmt: skip
            if any(atom >= 0 for axis in axes for atom, _ in axis):
                found[name] = axes
        return found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Computes as asked, and follows."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        results = list(_tensors(out))
        if results and func.namespace != "profiler":
            self._follow(func, args, kwargs, results)
        return out

    def _follow(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], results: list[torch.Tensor]
    ) -> None:
        name = func._schema.name.removeprefix("aten::")
        given = [self._seen(arg) for arg in args]
        inputs = [self._of(tensor) for tensor in _tensors((args, kwargs))]
        first, *others = results
        shape = tuple(first.shape)
        in_place = name.endswith("_") and torch.Tag.pointwise in func.tags
        rule = RULES.get(name)
        if rule is not None and isinstance(given[0], Seen):
            axes = rule(self.spaces, shape, *given)
        elif torch.Tag.pointwise in func.tags or in_place:
            axes = pointwise(self.spaces, [seen.axes for seen in inputs], shape)
        else:
            if inputs:
                self.spaces.pin(axis for seen in inputs for axis in seen.axes)
            axes = fixed(self.spaces, shape)
        if id(first) not in self._axes:
            self._know(first, axes)
        for other in others:
            if id(other) not in self._axes:
                same = other.shape == first.shape
                self._know(other, axes if same else fixed(self.spaces, other.shape))

    def _seen(self, arg: Any) -> Any:
        return self._of(arg) if isinstance(arg, torch.Tensor) else arg

    def _of(self, tensor: torch.Tensor) -> Seen:
        """Returns what is known of a tensor; one from outside keeps its order."""
        if id(tensor) not in self._axes:
            self._know(tensor, fixed(self.spaces, tensor.shape))
        return Seen(self._axes[id(tensor)], tuple(tensor.shape))

    def _know(self, tensor: torch.Tensor, axes: Axes) -> None:
        self._axes[id(tensor)] = axes
        self._held.append(tensor)


def trace(model: torch.nn.Module, call: Callable[[], Any]) -> Spec:
    """Returns the axes of a model's weights, from one call of it.

    Args:
        model: Its state dict names the tensors.
        call: Calls it.
    """
    state = dict(model.state_dict(keep_vars=True))
    # attention in one fused operation would hide which axes it has
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), Tracing(state) as tracing:
            result = call()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return tracing.spec(result)


def _tensors(value: Any) -> Any:
    """Yields the tensors in arguments or results, however they are nested."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
