"""Seam: functional activations (`F.relu`, `torch.tanh`, `x.sigmoid()` ...), on sampled iterations only.

`nn.ReLU` and its like call these functions, so one seam sees both ways of writing a network.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from .hub import Hub
from .patch import Patches

_NAMES = {
    F: ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "relu6", "hardtanh", "hardsigmoid",
        "tanh", "sigmoid", "mish", "celu", "softplus"),
    torch: ("relu", "relu_", "tanh", "tanh_", "sigmoid", "sigmoid_"),
    torch.Tensor: ("relu", "relu_", "tanh", "tanh_", "sigmoid", "sigmoid_"),
}  # fmt: skip


class ActivationCalls:
    """Announces functional activations made with gradients on; a call inside a call counts once."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._patches = Patches()
        self._on = False
        self._inside = False

    def start(self) -> None:
        """Begins to announce activations."""
        if self._on:
            return
        self._on = True
        for owner, names in _NAMES.items():
            for name in names:
                if hasattr(owner, name):
                    self._patches.wrap(owner, name, self._watch(name.rstrip("_")))

    def stop(self) -> None:
        """Stops announcing."""
        self._on = False
        self._inside = False
        self._patches.undo()

    def _watch(self, name: str) -> Any:
        def make(original: Any) -> Any:
            def activation(input: Any, *args: Any, **kwargs: Any) -> Any:
                if self._inside or not self._on or not torch.is_grad_enabled():
                    return original(input, *args, **kwargs)
                self._inside = True
                try:
                    result = original(input, *args, **kwargs)
                    self._hub.say("activation", name, input, result)
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
