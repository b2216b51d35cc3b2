"""Seam: a value leaves its graph, by `detach`, `.data`, `item`, a comparison, `argmax`, ...

In place only while someone listens.
"""

from __future__ import annotations

import sys
from typing import Any

import torch

from .callsite import is_user_file
from .hub import Hub
from .on_demand import OnDemand
from .patch import INTERNAL, Patches

_METHODS = ("detach", "detach_", "item", "tolist", "numpy", "__float__")
_CHOICES = {
    "comparison": ("gt", "ge", "lt", "le", "__gt__", "__ge__", "__lt__", "__le__"),
    "argmax": ("argmax", "argmin"),
}
"""What gives whole numbers, which have no gradient, by what it is called."""


def _by_user(frame: Any) -> bool:
    """Whether the script itself calls: torch and probes of ours detach too."""
    while frame.f_code.co_filename == INTERNAL:
        frame = frame.f_back
    return is_user_file(frame.f_code.co_filename)


class _Leaving(OnDemand):
    """The functions, and the attribute `data`, which is none."""

    def __init__(self, hub: Hub) -> None:
        super().__init__((), lambda original: original)
        self._hub = hub

    def start(self) -> None:
        """Puts the seam in place."""
        hub = self._hub
        plain: Any = torch._C.TensorBase.data

        def announcing(how: str) -> Any:
            def make(original: Any) -> Any:
                def left(tensor: Any, *args: Any, **kwargs: Any) -> Any:
                    wants = isinstance(tensor, torch.Tensor) and tensor.requires_grad
                    if wants and _by_user(sys._getframe(1)):
                        hub.emit("graph_left", tensor, how)
                    return original(tensor, *args, **kwargs)

                return left

            return make

        def data(tensor: Any) -> Any:
            if tensor.requires_grad and _by_user(sys._getframe(1)):
                hub.emit("graph_left", tensor, "data")
            return plain.__get__(tensor)

        for name in _METHODS:
            self._patches.wrap(torch.Tensor, name, announcing(name))
        for how, names in _CHOICES.items():
            for name in names:
                self._patches.wrap(torch.Tensor, name, announcing(how))
                if not name.startswith("__"):
                    self._patches.wrap(torch, name, announcing(how))
        self._patches.wrap(torch, "tensor", announcing("tensor"))
        if "data" not in vars(torch.Tensor):
            torch.Tensor.data = property(data, plain.__set__, doc=plain.__doc__)  # type: ignore[assignment]
            self._patches.on_undo(lambda: delattr(torch.Tensor, "data"))


def install(hub: Hub, patches: Patches) -> None:
    """Makes the seam that the hub puts in place on demand."""
    seam = hub.on_demand["graph_left"] = _Leaving(hub)
    if hub.listeners["graph_left"]:
        seam.start()
    patches.on_undo(seam.stop)
