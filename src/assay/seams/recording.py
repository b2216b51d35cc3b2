"""When Python runs only so that someone can record a program: nothing real is computed then."""

from __future__ import annotations

import sys
from typing import Any

import torch

from .interpreting import interpreted

_compiling = torch.compiler.is_compiling
_tracing = torch._C._get_tracing_state
_dispatch_modes = torch._C._len_torch_dispatch_stack
_PLAIN = torch.Tensor.__torch_dispatch__

OURS: list[Any] = []
"""Dispatch modes of our own that are active: they compute what would be computed without them."""


def _no_transform() -> None:
    return None


_transform = getattr(getattr(torch._C, "_functorch", None), "peek_interpreter_stack", _no_transform)


@interpreted
def is_recording() -> bool:
    """Whether torch.compile, jit.trace, a torch.func transform or a dispatch mode is at work.

    What a probe computed there would become part of the recorded program, or of what a mode of the
    user's counts.
    """
    return (
        _compiling()
        or _tracing() is not None
        or _transform() is not None
        or _dispatch_modes() > len(OURS)
    )


@interpreted
def is_plain(value: Any) -> bool:
    """Whether a tensor has numbers of its own: no proxy, no fake, no distributed tensor."""
    kind = type(value)
    return kind is torch.Tensor or (
        isinstance(value, torch.Tensor) and kind.__torch_dispatch__ is _PLAIN
    )


def is_shard(value: Any) -> bool:
    """Whether a tensor is a DTensor: part of one that lies on several ranks."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(value, module.DTensor)


def special_mode() -> str | None:
    """Returns the state of torch in which calls of ours could be noticed or could fail; or None."""
    distributed: Any = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return "training is distributed"
    if torch.cuda._initialized and torch.cuda.is_current_stream_capturing():
        return "a CUDA graph is being captured"
    if _dispatch_modes() > len(OURS):
        return "a dispatch mode is active"
    stack: Any = torch.overrides._get_current_function_mode_stack
    modes = stack()
    if any(type(mode).__name__ != "DeviceContext" for mode in modes):
        return "a function mode is active"
    return None
