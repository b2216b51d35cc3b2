"""When Python runs only so that someone can record a program: nothing real is computed then."""

from __future__ import annotations

from typing import Any

import torch

from .interpreting import interpreted

_compiling = torch.compiler.is_compiling
_tracing = torch._C._get_tracing_state
_dispatch_modes = torch._C._len_torch_dispatch_stack
_PLAIN = torch.Tensor.__torch_dispatch__


def _no_transform() -> None:
    return None


_transform = getattr(getattr(torch._C, "_functorch", None), "peek_interpreter_stack", _no_transform)


@interpreted
def is_recording() -> bool:
    """True under torch.compile, torch.jit.trace, a torch.func transform, or a dispatch mode.

    What a probe computed there would become part of the recorded program, or of what a mode of the
    user's counts.
    """
    return (
        _compiling() or _tracing() is not None or _transform() is not None or _dispatch_modes() > 0
    )


@interpreted
def is_plain(value: Any) -> bool:
    """True for a tensor with numbers of its own: no proxy, no fake, no distributed tensor."""
    kind = type(value)
    return kind is torch.Tensor or (
        isinstance(value, torch.Tensor) and kind.__torch_dispatch__ is _PLAIN
    )
