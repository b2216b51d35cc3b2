"""Seam: calls of outermost modules, gradients on or off. Switched on by tricks that need them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .hub import Hub
from .patch import Patches


class _Inside(threading.local):
    """Whether this thread is inside a root's call."""

    a_root = False


def any_parameter(module: Any) -> Any:
    """Returns a parameter near the top, without a walk; a loss or activation has none."""
    waiting = [module]
    for one in waiting:
        for parameter in one._parameters.values():
            if parameter is not None:
                return parameter
        for child in one._modules.values():
            if child is not None and child not in waiting:
                waiting.append(child)
    return None


class RootCalls:
    """Passes the arguments and the result of each outermost module call through filters."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._patches = Patches()
        self._users = 0
        self._inside = _Inside()

    def start(self) -> None:
        """Puts the seam in place, or notes one more user of it."""
        self._users += 1
        if self._users == 1:
            self._patches.wrap(torch.nn.Module, "__call__", self._filtered)

    def stop(self) -> None:
        """Takes the seam away with its last user."""
        self._users = max(0, self._users - 1)
        if self._users == 0:
            self._patches.undo()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Marks calls inside as a trick's own, not the user's."""
        before, self._inside.a_root = self._inside.a_root, True
        try:
            yield
        finally:
            self._inside.a_root = before

    def _filtered(self, original: Any) -> Any:
        hub, inside = self._hub, self._inside
        calls, results = hub.changes.filters["root_call"], hub.changes.filters["root_result"]
        around, is_compiling = hub.changes.around["root_call"], torch.compiler.is_dynamo_compiling

        def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or inside.a_root or any_parameter(module) is None:
                return original(module, *args, **kwargs)
            inside.a_root = True
            try:
                if calls:
                    args, kwargs = hub.changes.apply("root_call", (args, kwargs), module)
                if around:
                    with hub.changes.contexts("root_call", module):
                        result = original(module, *args, **kwargs)
                else:
                    result = original(module, *args, **kwargs)
                return hub.changes.apply("root_result", result, module) if results else result
            finally:
                inside.a_root = False

        return __call__


def install(hub: Hub, patches: Patches) -> None:
    """Makes the switch `root`; nothing is replaced until it is turned on."""
    calls = RootCalls(hub)
    hub.changes.switches["root"] = calls
    patches.on_undo(calls.stop)
