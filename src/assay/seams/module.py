"""Seam: module calls, on sampled iterations only.

`Module.__call__` is stood in for while the switch is on. Hooks on the instances would be pickled
and copied with the user's model and seen by torch's fast paths; torch's global hooks hide keyword
arguments.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch.fx import _symbolic_trace

from .hub import Hub
from .on_demand import put_on_demand
from .patch import Patches
from .recording import is_recording


class ModuleCalls:
    """Announces module calls made with gradients on, and which of them are outermost."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._local = threading.local()
        self._patches = Patches()
        self._on = False

    @property
    def stack(self) -> list[Any]:
        """Modules being called in this thread, outermost first."""
        stack: list[Any] | None = getattr(self._local, "stack", None)
        if stack is None:
            stack = self._local.stack = []
        return stack

    def start(self) -> None:
        """Begins to announce module calls."""
        if not self._on:
            self._on = True
            self._patches.wrap(torch.nn.Module, "__call__", self._announce)

    def stop(self) -> None:
        """Stops announcing, for calls under way too."""
        self._on = False
        self._patches.undo()

    def _announce(self, original: Any) -> Any:
        hub = self._hub

        def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:
            if (
                not self._on
                or not torch.is_grad_enabled()
                or hub.in_backward  # activation checkpointing computes again what was seen before
                or is_recording()
                or _symbolic_trace._is_fx_tracing_flag
            ):
                return original(module, *args, **kwargs)
            stack = self.stack
            if not stack:
                hub.emit("root_begin", module, args, kwargs)
            stack.append(module)
            activations: Any = hub.switches.get("activation") if len(stack) == 1 else None
            inside = activations.enter() if activations is not None else None
            try:
                hub.emit("module_begin", module)
                result = original(module, *args, **kwargs)
                if self._on:
                    hub.emit("module_end", module, args, result)
            finally:
                stack.pop()
                if inside is not None:
                    inside.leave()
            if not stack and self._on:
                hub.emit("root_end", module, result)
            return result

        return __call__


class _Inside(threading.local):
    """Whether this thread is inside a call that was announced."""

    a_root = False


def install(hub: Hub, patches: Patches) -> None:
    """Makes the switch `module`, and the events of outermost calls; all are off until wanted."""
    calls = ModuleCalls(hub)
    hub.switches["module"] = calls
    patches.on_undo(calls.stop)
    off = _Roots(
        lambda: not torch.is_grad_enabled(),
        lambda module, args, kwargs: hub.emit("evaluation_root", module, args, kwargs),
        lambda module, result: hub.emit("evaluation_root_end", module, result),
        hub.listeners["evaluation_root_end"],
    )
    any_mode = _Roots(
        lambda: not hub.in_backward,
        lambda module, args, kwargs: hub.emit("called_root", module, args, kwargs),
        lambda module, result: hub.emit("called_root_end", module, result),
        hub.listeners["called_root_end"],
    )
    for event, roots in (("evaluation_root", off), ("called_root", any_mode)):
        put_on_demand(hub, patches, event, [(torch.nn.Module, "__call__")], roots.announce)


class _Roots:
    """Announces outermost calls while someone listens.

    Args:
        wanted: Whether calls are announced at this time.
        begins: Says that a module is called.
        ends: Says what it has returned.
        heard: Who listens to that.
    """

    def __init__(
        self,
        wanted: Callable[[], bool],
        begins: Callable[[Any, Any, Any], None],
        ends: Callable[[Any, Any], None],
        heard: list[Any],
    ) -> None:
        self._wanted, self._begins, self._ends, self._heard = wanted, begins, ends, heard
        self._inside = _Inside()

    def announce(self, original: Any) -> Any:
        """Returns what stands in for `Module.__call__`."""
        inside, wanted, begins, ends, heard = (
            self._inside, self._wanted, self._begins, self._ends, self._heard,
        )  # fmt: skip

        def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:
            if inside.a_root or not wanted() or is_recording():
                return original(module, *args, **kwargs)
            inside.a_root = True
            try:
                begins(module, args, kwargs)
                result = original(module, *args, **kwargs)
            finally:
                inside.a_root = False
            if heard:
                ends(module, result)
            return result

        return __call__
