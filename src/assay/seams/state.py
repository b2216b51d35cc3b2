"""Seam: files that are loaded, state that is put into modules and optimizers, checkpointing."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import checkpoint

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps `torch.load`, both `load_state_dict` methods and `checkpoint.checkpoint`."""

    def read(original: Any) -> Any:
        def load(*args: Any, **kwargs: Any) -> Any:
            content = original(*args, **kwargs)
            hub.emit("file_loaded", content)
            return content

        return load

    def loaded(original: Any) -> Any:
        def load_state_dict(self: Any, *args: Any, **kwargs: Any) -> Any:
            hub.emit("load_state_begin", self, args[0] if args else kwargs.get("state_dict"))
            try:
                result = original(self, *args, **kwargs)
            except Exception as error:
                hub.emit("load_state_failed", self, error)
                raise
            hub.emit("load_state", self, result)
            return result

        return load_state_dict

    def used(original: Any) -> Any:
        def checkpoint(*args: Any, **kwargs: Any) -> Any:
            if not torch.compiler.is_compiling():
                hub.emit("checkpointing")
            return original(*args, **kwargs)

        return checkpoint

    patches.wrap(torch, "load", read)
    patches.wrap(torch.nn.Module, "load_state_dict", loaded)
    patches.wrap(torch.optim.Optimizer, "load_state_dict", loaded)
    patches.wrap(checkpoint, "checkpoint", used)
