"""Seam: weights that the script keeps: `state_dict`, `torch.save` of a module, a deep copy."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches
from .recording import is_recording


def install(hub: Hub, patches: Patches) -> None:
    """Wraps `Module.state_dict`, outermost calls only, `Module.__setstate__` and `torch.save`."""
    inside = False

    def asked(original: Any) -> Any:
        def state_dict(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal inside
            if inside or is_recording():
                return original(self, *args, **kwargs)
            inside = True
            try:
                result = original(self, *args, **kwargs)
            finally:
                inside = False
            hub.emit("weights_kept", self)
            return result

        return state_dict

    def copied(original: Any) -> Any:
        def __setstate__(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            hub.emit("weights_kept", self)
            return result

        return __setstate__

    def saved(original: Any) -> Any:
        def save(*args: Any, **kwargs: Any) -> Any:
            given = args[0] if args else kwargs.get("obj")
            result = original(*args, **kwargs)
            if isinstance(given, torch.nn.Module):
                hub.emit("weights_kept", given)
            hub.emit("saved", args[1] if len(args) > 1 else kwargs.get("f"))
            return result

        return save

    patches.wrap(torch.nn.Module, "state_dict", asked)
    patches.wrap(torch.nn.Module, "__setstate__", copied)
    patches.wrap(torch, "save", saved)
