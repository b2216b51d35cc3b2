"""Seam: learning-rate schedulers."""

from __future__ import annotations

from typing import Any

from torch.optim import lr_scheduler

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Announces each scheduler once, when it is built; steps are read off the rates themselves.

    Wrapping `step` would hide the counters by which torch warns of a wrong order.
    """

    def created(original: Any) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            hub.emit("scheduler_created", self)

        return __init__

    for owner in (lr_scheduler.LRScheduler, lr_scheduler.ReduceLROnPlateau):
        if "__init__" in vars(owner):
            patches.wrap(owner, "__init__", created)
