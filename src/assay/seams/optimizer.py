"""Seam: optimizer construction, add_param_group, step and zero_grad."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import optimizer as torch_optimizer

from .hub import Hub
from .patch import Patches


class _WatchedClosure:
    """A closure that tells when its gradients are there; the first call of a step counts."""

    def __init__(self, closure: Any, hub: Hub, optimizer: Any) -> None:
        self._closure, self._hub, self._optimizer = closure, hub, optimizer
        self._called = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self._closure(*args, **kwargs)
        if not self._called:
            self._called = True
            self._hub.say("gradients_ready", self._optimizer)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._closure, name)


def install(hub: Hub, patches: Patches) -> None:
    """Uses torch's global optimizer hooks, which fire for every optimizer that torch builds."""
    heard, changed = hub.listeners, hub.filters["optimizer_arguments"]

    def before(optimizer: Any, args: Any, kwargs: Any) -> Any:
        closure = kwargs.get("closure") if kwargs else None
        position = None
        if closure is None and len(args) > 1 and callable(args[1]):
            closure, position = args[1], 1
        if heard["step_begin"]:
            hub.say("step_begin", optimizer, closure is not None)
        if closure is None:
            if heard["gradients_ready"]:
                hub.say("gradients_ready", optimizer)
            return None
        if not heard["gradients_ready"]:
            return None
        watched = _WatchedClosure(closure, hub, optimizer)
        if position is None:
            return args, {**kwargs, "closure": watched}
        return (*args[:position], watched, *args[position + 1 :]), kwargs

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:
        if heard["step_end"]:
            hub.say("step_end", optimizer)

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
            if heard["zero_grad"]:
                hub.say("zero_grad", self)
            return result

        return zero_grad

    patches.wrap(torch.optim.Optimizer, "__init__", created)
    patches.wrap(torch.optim.Optimizer, "add_param_group", group_added)
    patches.wrap(torch.optim.Optimizer, "zero_grad", cleared)
    patches.wrap(torch.nn.Module, "zero_grad", cleared)
