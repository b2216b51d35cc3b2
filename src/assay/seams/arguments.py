"""The arguments of a functional loss, by name."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=64)
def _parameters(function: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def bind(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Returns the arguments of a loss by name; the first is always called `input`."""
    try:
        names = _parameters(function)
    except (TypeError, ValueError):
        names = ("input", "target")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    first = ("input", "anchor", "input1")
    return {"input" if name in first else name: value for name, value in given.items()}
