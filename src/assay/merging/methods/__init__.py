"""The ways to merge, one a file, and how one is named on the command line."""

from __future__ import annotations

from .average import Average
from .base import Given, Method, MethodError, read
from .dare import Dare
from .fisher import Fisher
from .linear import Linear
from .model_stock import ModelStock
from .pruned import Pruned
from .similarity import Similarity
from .slerp import Slerp
from .task_arithmetic import TaskArithmetic
from .ties import Ties

__all__ = ["METHODS", "Given", "Method", "MethodError", "read_method"]

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        Average, Linear, Slerp, Similarity, TaskArithmetic, Ties, Dare, ModelStock, Fisher, Pruned
    )
}  # fmt: skip


def read_method(text: str) -> Method:
    """Reads `NAME,key=value`.

    Raises:
        MethodError: There is no such method, or it can't take that.
    """
    name, *rest = (part.strip() for part in text.split(","))
    if name not in METHODS:
        from difflib import get_close_matches

        close = get_close_matches(name, METHODS, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(METHODS)}"
        raise MethodError(f"no method is called {name!r}{hint}")
    options = {}
    for part in rest:
        key, equals, value = part.partition("=")
        if not equals or key in options:
            raise MethodError(f"{name}: expected key=value once each, received {part!r}")
        options[key] = value
    return read(METHODS[name], options)
