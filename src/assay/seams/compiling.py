"""Seam: what reads Python code. Compilation is announced; scripting sees plain torch."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Announces `torch.compile` before anything is compiled; lifts all patches for TorchScript.

    TorchScript reads the source of the functions that it meets and can't read ours.
    """

    def compiling(original: Any) -> Any:
        def compile(*args: Any, **kwargs: Any) -> Any:
            hub.emit("compile", args[0] if args else kwargs.get("model"))
            return original(*args, **kwargs)

        return compile

    def scripting(original: Any) -> Any:
        def script(*args: Any, **kwargs: Any) -> Any:
            with Patches.paused():
                return original(*args, **kwargs)

        return script

    patches.wrap(torch, "compile", compiling)
    patches.wrap(torch.nn.Module, "compile", compiling)
    patches.wrap(torch.jit, "script", scripting)
