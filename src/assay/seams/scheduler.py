"""Seam: learning-rate schedulers."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch.optim import lr_scheduler

from .hub import Hub
from .on_demand import put_on_demand
from .patch import Patches


class _Inside(threading.local):
    """How many scheduler steps this thread is in: a `SequentialLR` steps those that it holds."""

    depth = 0


def _own(name: str) -> list[tuple[Any, str]]:
    """Returns where torch's schedulers define this method themselves."""
    base = lr_scheduler.LRScheduler, lr_scheduler.ReduceLROnPlateau
    kinds = dict.fromkeys(k for k in vars(lr_scheduler).values() if isinstance(k, type))
    return [(kind, name) for kind in kinds if issubclass(kind, base) and name in vars(kind)]


def _calls_base(kind: Any) -> bool:
    """Whether the constructor passes on to that of the base class, which is stood in for."""
    return "__class__" in vars(kind)["__init__"].__code__.co_freevars


def install(hub: Hub, patches: Patches) -> None:
    """Announces each scheduler when it is built, and its steps while someone listens.

    `step` keeps its function object, so that the counters by which torch warns of a wrong order go
    on counting. What a scheduler does while it is built, and what is inside another's step, is no
    step of the user's.
    """
    inside = _Inside()
    is_compiling = torch.compiler.is_dynamo_compiling

    def created(original: Any) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            inside.depth += 1
            try:
                original(self, *args, **kwargs)
            finally:
                inside.depth -= 1
            hub.emit("scheduler_created", self)

        return __init__

    def stepped(original: Any) -> Any:
        def step(self: Any, *args: Any, **kwargs: Any) -> Any:
            if inside.depth or is_compiling():
                return original(self, *args, **kwargs)
            inside.depth += 1
            try:
                result = original(self, *args, **kwargs)
            finally:
                inside.depth -= 1
            given = args[0] if args else kwargs.get("metrics")
            hub.emit("scheduler_step", self, given)
            return result

        return step

    for owner, name in _own("__init__"):
        if owner is lr_scheduler.LRScheduler or not _calls_base(owner):
            patches.wrap(owner, name, created)
    put_on_demand(hub, patches, "scheduler_step", _own("step"), stepped)
