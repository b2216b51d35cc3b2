"""Seam: gradient clipping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import GeneratorType
from typing import Any

import torch
from torch.nn.utils import clip_grad

from .hub import Hub
from .patch import Patches
from .recording import is_recording


def install(hub: Hub, patches: Patches) -> None:
    """Wraps both clip functions."""
    heard = hub.listeners["clip"]

    def announce(kind: str) -> Any:
        second = "max_norm" if kind == "norm" else "clip_value"

        def make(original: Any) -> Any:
            def clip(*args: Any, **kwargs: Any) -> Any:
                given = args[0] if args else kwargs.get("parameters")
                limit = args[1] if len(args) > 1 else kwargs.get(second)
                if not heard or limit is None or not isinstance(given, Iterable) or is_recording():
                    return original(*args, **kwargs)
                if isinstance(given, torch.Tensor):
                    parameters = [given]
                else:
                    parameters = list(given)
                    if isinstance(given, Iterator):  # it could be read only once
                        given = _again(given, parameters)
                if args:
                    total = original(given, *args[1:], **kwargs)
                else:
                    total = original(**{**kwargs, "parameters": given})
                hub.emit("clip", kind, limit, parameters, total)
                return total

            return clip

        return make

    patches.wrap(clip_grad, "clip_grad_norm_", announce("norm"))
    patches.wrap(clip_grad, "clip_grad_value_", announce("value"))


def _again(given: Any, parameters: list[Any]) -> Any:
    """Returns the same kind of iterator: torch warns of an empty generator, and of no other."""
    return (p for p in parameters) if isinstance(given, GeneratorType) else iter(parameters)
