"""Seam: functional activations (`F.relu`, `torch.tanh`, `x.sigmoid()`), on sampled iterations.

`nn.ReLU` and its like call these functions, so one seam sees both ways of writing a network.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F

from .hub import Hub
from .patch import Make, Patches
from .recording import is_plain, is_recording

_NAMES = {
    F: ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "relu6", "hardtanh", "hardsigmoid",
        "tanh", "sigmoid", "mish", "celu", "softplus"),
    torch: ("relu", "relu_", "tanh", "tanh_", "sigmoid", "sigmoid_"),
    torch.Tensor: ("relu", "relu_", "tanh", "tanh_", "sigmoid", "sigmoid_"),
}  # fmt: skip


class ActivationCalls:
    """Announces functional activations made with gradients on; a call inside a call counts once.

    Builtins can only be stood in for by attribute. That lasts no longer than one call of a root
    module: a user who stores `torch.tanh` in a model gets the builtin, which can be pickled.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._functions, self._builtins = Patches(), Patches()
        self._makes: dict[str, Make] = {}
        self._on = False
        self._inside = False

    def start(self) -> None:
        """Begins to announce activations."""
        if not self._on:
            self._on = True
            self._wrap(self._functions, python=True)

    def stop(self) -> None:
        """Stops announcing."""
        self._on = self._inside = False
        self._functions.undo()
        self._builtins.undo()

    def enter(self) -> ActivationCalls | None:
        """Notes that a root module is being called; returns None if there is nothing to leave."""
        if not self._on or self._builtins:
            return None
        self._wrap(self._builtins, python=False)
        return self

    def leave(self) -> None:
        """Notes that the root module has returned."""
        self._builtins.undo()

    def _wrap(self, patches: Patches, *, python: bool) -> None:
        for owner, names in _NAMES.items():
            for name in names:
                function = getattr(owner, name, None)
                if function is not None and isinstance(function, FunctionType) is python:
                    if name not in self._makes:
                        self._makes[name] = self._announce(name.rstrip("_"))
                    patches.wrap(owner, name, self._makes[name])

    def _announce(self, name: str) -> Any:
        hub = self._hub

        def make(original: Any) -> Any:
            def activation(*args: Any, **kwargs: Any) -> Any:
                if (
                    self._inside
                    or not self._on
                    or not torch.is_grad_enabled()
                    or hub.in_backward
                    or is_recording()
                ):
                    return original(*args, **kwargs)
                self._inside = True
                try:
                    result = original(*args, **kwargs)
                finally:
                    self._inside = False
                if is_plain(result):
                    given = args[0] if args else kwargs.get("input")
                    self._inside = True  # what a probe computes is no activation
                    try:
                        hub.emit("activation", name, given, result)
                    finally:
                        self._inside = False
                return result

            return activation

        return make


def install(hub: Hub, patches: Patches) -> None:
    """Makes the switch `activation`; nothing is replaced until it is turned on."""
    calls = ActivationCalls(hub)
    hub.switches["activation"] = calls
    patches.on_undo(calls.stop)
