"""Seam: optimizer construction, add_param_group and step."""

from __future__ import annotations

import sys
from threading import get_ident
from typing import Any

import torch
from torch.optim import optimizer as torch_optimizer

from .hub import Hub
from .interpreting import interpreted
from .patch import Patches, past_own_frames


class _WatchedClosure:
    """A closure that tells when its gradients are there; the first call of a step counts."""

    def __init__(self, closure: Any, hub: Hub, optimizer: Any) -> None:
        self._closure, self._hub, self._optimizer = closure, hub, optimizer
        self._called = False

    @interpreted
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hub, optimizer = self._hub, self._optimizer
        hub.emit("closure_begin", optimizer)
        try:
            result = self._closure(*args, **kwargs)
        except BaseException as error:
            error.__traceback__ = past_own_frames(error.__traceback__, __file__)
            raise
        finally:
            hub.emit("closure_end", optimizer)
        if not self._called:
            self._called = True
            hub.emit("gradients_ready", optimizer)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._closure, name)


_STEP = torch_optimizer.Optimizer.profile_hook_step(lambda optimizer: None).__code__
"""The code that torch runs around every optimizer's own `step`, and that calls the hooks below."""


def _is_outermost() -> bool:
    """Whether the hook that asks belongs to a step that is inside no other.

    A step inside a step (`super().step()`, Lookahead, SAM) is part of the outer one.
    """
    steps, frame = 0, sys._getframe(2)
    while frame is not None:
        steps += frame.f_code is _STEP
        frame = frame.f_back  # type: ignore[assignment]
    return steps == 1


def _was_skipped(found: Any) -> bool:
    """Whether a fused optimizer skipped inside its own step; read where that is free."""
    return isinstance(found, torch.Tensor) and found.is_cpu and bool(found.item())


def install(hub: Hub, patches: Patches) -> None:
    """Uses torch's global optimizer hooks, which fire for every optimizer that torch builds."""
    heard, changed = hub.listeners, hub.changes.filters["optimizer_arguments"]
    is_compiling = torch.compiler.is_dynamo_compiling
    under_way = 0  # the identity of the outermost step's arguments; a step that raised leaves it

    def before(optimizer: Any, args: Any, kwargs: Any) -> Any:
        nonlocal under_way
        if is_compiling():
            return None
        thread = hub.thread
        if thread is not None and thread != get_ident():
            return None
        if under_way and not _is_outermost():
            return None
        under_way = id(args)
        if thread is not None and hub.fast_clock is not None and len(args) == 1 and not kwargs:
            return None
        closure = kwargs.get("closure") if kwargs else None
        position = None
        if closure is None and len(args) > 1 and callable(args[1]):
            closure, position = args[1], 1
        hub.emit("step_begin", optimizer, closure is not None)
        if closure is None:
            if heard["gradients_ready"]:
                hub.emit("gradients_ready", optimizer)
            return None
        watched = _WatchedClosure(closure, hub, optimizer)
        if position is None:
            return args, {**kwargs, "closure": watched}
        return (*args[:position], watched, *args[position + 1 :]), kwargs

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:
        nonlocal under_way
        if is_compiling():
            return
        thread = hub.thread
        if thread is not None and thread != get_ident():
            return
        if under_way != id(args) and not _is_outermost():  # a hook may have changed the arguments
            return
        under_way = 0
        found = optimizer.__dict__.get("found_inf")
        clock = hub.fast_clock
        if found is not None and _was_skipped(found):
            hub.emit("step_skipped", optimizer)
        elif clock is not None:
            try:
                clock.on_step_end(optimizer)
            except Exception as error:
                hub.contain("step_end", error, by="clock")
        else:
            hub.emit("step_end", optimizer)

    interpreted(before, below=True)
    interpreted(after, below=True)
    for handle in (
        torch_optimizer.register_optimizer_step_pre_hook(before),
        torch_optimizer.register_optimizer_step_post_hook(after),
    ):
        patches.on_undo(handle.remove)

    def created(original: Any) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            if changed and len(args) == 2 and not kwargs:
                groups = list(args[0])
                args = hub.changes.apply("optimizer_arguments", (groups, dict(args[1])), self)
            original(self, *args, **kwargs)
            hub.emit("optimizer_created", self)

        return __init__

    def group_added(original: Any) -> Any:
        def add_param_group(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            hub.emit("group_added", self)
            return result

        return add_param_group

    patches.wrap(torch.optim.Optimizer, "__init__", created)
    patches.wrap(torch.optim.Optimizer, "add_param_group", group_added)
