"""Keeps torch.compile from compiling frames of ours.

After a graph break the functions that a compiled one calls are compiled each by itself, and so
would ours be: as they are while a program is recorded, which is to be silent. What is inlined into
a graph is not touched by this.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

import torch

_Function = TypeVar("_Function", bound=Callable[..., Any])


def interpreted(function: _Function, *, below: bool = False) -> _Function:
    """Marks a function as one that is never compiled by itself; with `below`, nor what it calls."""
    frames = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
    if not isinstance(function, FunctionType) or frames is None:
        return function
    if hasattr(frames, "set_code_exec_strategy"):
        skip, usual = frames._FrameAction.SKIP, frames._FrameAction.DEFAULT
        strategy = frames._FrameExecStrategy(skip, skip if below else usual)
        frames.set_code_exec_strategy(function.__code__, strategy)
    elif hasattr(frames, "skip_code"):  # an older torch
        frames.skip_code(function.__code__)
    return function
