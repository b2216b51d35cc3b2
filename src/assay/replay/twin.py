"""A second set of module objects around the same weights, to be called in place of the user's."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch

from .structure import NotReplayable, size

BUFFERS_AT_MOST = 256 * 2**20
"""Bytes of buffers that are copied for one call."""

TOO_LARGE = "what the model keeps is too large to be copied"

DEPTH = 8
"""Containers inside containers that are followed; what lies deeper is shared."""

_CONTAINERS = (list, dict, set, tuple)

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class Twin:
    """Copies the module objects of a tree, what they hold of plain data, and no weight.

    Training flags, counters, lists, kept activations and running statistics that a call changes are
    the twin's own; hooks are not called. What the twin shares with the user's modules are weights
    and objects of unknown classes; that a call leaves these alone is for a proof to show.

    Args:
        root: the user's module.
        training: a flag for all modules, or one for each of `root.modules()`.
        grad: whether weights are to be leaves of their own (same memory, no hooks, no `.grad`).
    """

    def __init__(
        self, root: torch.nn.Module, training: bool | list[bool], *, grad: bool = False
    ) -> None:
        modules = list(root.modules())
        buffers = [b for m in modules for b in m._buffers.values() if b is not None]
        self._room = BUFFERS_AT_MOST - size(buffers)
        if self._room < 0:
            raise NotReplayable(TOO_LARGE)
        self._made: dict[int, Any] = {id(m): type(m).__new__(type(m)) for m in modules}
        for buffer in buffers:
            self._made.setdefault(id(buffer), buffer.detach().clone())
        if grad:
            for parameter in root.parameters():
                self._made[id(parameter)] = torch.nn.Parameter(
                    parameter.detach(), requires_grad=parameter.requires_grad
                )
        flags = [training] * len(modules) if isinstance(training, bool) else training
        if len(flags) != len(modules):
            raise NotReplayable("modules were added or taken away")
        for module, flag in zip(modules, flags, strict=True):
            held = {name: self._copied(value, 0) for name, value in module.__dict__.items()}
            hooks = {name: OrderedDict[int, Any]() for name in _HOOKS}
            self._made[id(module)].__dict__.update(held, training=flag, **hooks)
        self.module: torch.nn.Module = self._made[id(root)]

    def _copied(self, value: Any, depth: int) -> Any:
        known = self._made.get(id(value))
        if known is not None:
            return known
        if type(value) is torch.Tensor:  # kept by a call; what it was computed from is not needed
            self._room -= size([value])
            if self._room < 0:
                raise NotReplayable(TOO_LARGE)
            return self._made.setdefault(id(value), value.detach().clone())
        if type(value) not in _CONTAINERS or depth > DEPTH:
            return value
        if type(value) is dict:
            made: Any = {}
            self._made[id(value)] = made
            made.update({key: self._copied(part, depth + 1) for key, part in value.items()})
        elif type(value) is list:
            made = self._made[id(value)] = []
            made.extend(self._copied(part, depth + 1) for part in value)
        else:
            made = type(value)(self._copied(part, depth + 1) for part in value)
            self._made[id(value)] = made
        return made

    @property
    def parameters(self) -> list[torch.Tensor]:
        """The weights as the twin's graph has them."""
        return list(self.module.parameters())
