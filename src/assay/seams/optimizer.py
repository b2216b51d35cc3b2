"""Seam: optimizer construction, add_param_group, step and zero_grad."""

from __future__ import annotations

import sys
import threading
from typing import Any

import torch
from torch.optim import optimizer as torch_optimizer

from .hub import Hub
from .interpreting import interpreted
from .patch import Patches
from .recording import is_recording


class _WatchedClosure:
    """A closure that tells when its gradients are there; the first call of a step counts."""

    def __init__(self, closure: Any, hub: Hub, optimizer: Any) -> None:
        self._closure, self._hub, self._optimizer = closure, hub, optimizer
        self._called = False

    @interpreted
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hub, optimizer = self._hub, self._optimizer
        hub.say("closure_begin", optimizer)
        try:
            result = self._closure(*args, **kwargs)
        finally:
            hub.say("closure_end", optimizer)
        if not self._called:
            self._called = True
            hub.say("gradients_ready", optimizer)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._closure, name)


class _OpenSteps(threading.local):
    """Steps under way in this thread, by the frame that runs each.

    A step inside a step (`super().step()`, Lookahead, SAM) is part of the outer one. A step that
    raised never reports its end; its frame tells that it is over.
    """

    def __init__(self) -> None:
        self.frames: list[int] = []

    def begin(self) -> bool:
        """Notes a step of the caller's caller; False if it is inside another."""
        frame: Any = sys._getframe(2)
        if self.frames:
            running, outer = set(), frame.f_back
            while outer is not None:
                running.add(id(outer))
                outer = outer.f_back
            self.frames = [known for known in self.frames if known in running]
        self.frames.append(id(frame))
        return len(self.frames) == 1

    def end(self) -> bool:
        """Notes its end; False if it was inside another."""
        mine = id(sys._getframe(2))
        while self.frames and self.frames.pop() != mine:
            pass
        return not self.frames


def _was_skipped(found: Any) -> bool:
    """A fused optimizer under a GradScaler skips inside its own step; read where that is free."""
    return isinstance(found, torch.Tensor) and found.is_cpu and bool(found.item())


def install(hub: Hub, patches: Patches) -> None:
    """Uses torch's global optimizer hooks, which fire for every optimizer that torch builds."""
    heard, changed = hub.listeners, hub.filters["optimizer_arguments"]
    is_compiling = torch.compiler.is_compiling
    steps = _OpenSteps()

    def before(optimizer: Any, args: Any, kwargs: Any) -> Any:
        if is_compiling() or not steps.begin():
            return None
        closure = kwargs.get("closure") if kwargs else None
        position = None
        if closure is None and len(args) > 1 and callable(args[1]):
            closure, position = args[1], 1
        hub.say("step_begin", optimizer, closure is not None)
        if closure is None:
            if heard["gradients_ready"]:
                hub.say("gradients_ready", optimizer)
            return None
        watched = _WatchedClosure(closure, hub, optimizer)
        if position is None:
            return args, {**kwargs, "closure": watched}
        return (*args[:position], watched, *args[position + 1 :]), kwargs

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:
        if is_compiling() or not steps.end():
            return
        found = optimizer.__dict__.get("found_inf")
        skipped = found is not None and _was_skipped(found)
        hub.say("step_skipped" if skipped else "step_end", optimizer)

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
                args = hub.passed("optimizer_arguments", (groups, dict(args[1])), self)
            original(self, *args, **kwargs)
            hub.say("optimizer_created", self)

        return __init__

    def group_added(original: Any) -> Any:
        def add_param_group(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            hub.say("group_added", self)
            return result

        return add_param_group

    def cleared(original: Any) -> Any:
        def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if heard["zero_grad"] and not is_recording():
                hub.say("zero_grad", self)
            return result

        return zero_grad

    patches.wrap(torch.optim.Optimizer, "__init__", created)
    patches.wrap(torch.optim.Optimizer, "add_param_group", group_added)
    patches.wrap(torch.optim.Optimizer, "zero_grad", cleared)
    patches.wrap(torch.nn.Module, "zero_grad", cleared)
