"""Modules that others put around a model: a trick means the model inside."""

from __future__ import annotations

from typing import Any


def bare(module: Any) -> Any:
    """Returns the model itself, where `torch.compile` or a parallel wrapper stands around it."""
    while True:
        inner = module._modules.get("_orig_mod")
        if inner is None and type(module).__name__ in ("DataParallel", "DistributedDataParallel"):
            inner = module._modules.get("module")
        if inner is None:
            return module
        module = inner
