"""Seam: gradient clipping."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import utils
from torch.nn.utils import clip_grad

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps both clip functions under both of their public names."""
    heard = hub.listeners["clip"]

    def watch(kind: str) -> Any:
        def make(original: Any) -> Any:
            def clip(parameters: Any, limit: Any, *args: Any, **kwargs: Any) -> Any:
                if not heard or torch.compiler.is_compiling():
                    return original(parameters, limit, *args, **kwargs)
                if not isinstance(parameters, torch.Tensor):
                    parameters = list(parameters)  # a generator can be read only once
                total = original(parameters, limit, *args, **kwargs)
                hub.say("clip", kind, limit, parameters, total)
                return total

            def any_way(*args: Any, **kwargs: Any) -> Any:
                if len(args) >= 2:
                    return clip(*args, **kwargs)
                names = ("parameters", "max_norm" if kind == "norm" else "clip_value")
                given = {**dict(zip(names, args, strict=False)), **kwargs}
                if not all(name in given for name in names):
                    return original(*args, **kwargs)
                return clip(given.pop(names[0]), given.pop(names[1]), **given)

            return any_way

        return make

    for name, kind in (("clip_grad_norm_", "norm"), ("clip_grad_value_", "value")):
        original = getattr(clip_grad, name)
        patches.wrap(clip_grad, name, watch(kind))
        patches.alias(utils, name, original, getattr(clip_grad, name))
