"""The lines of a script that assign a learning rate, found in its source."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import NamedTuple

from .sources import Sources


class RateLine(NamedTuple):
    """A line that assigns a rate, and what it says of the number.

    `value` is the rate that it sets, `factor` what it multiplies the rate by; None where that is
    not written there as a number.
    """

    file: str
    line: int
    function: str
    value: float | None
    factor: float | None

    def may_have_set(self, before: float, after: float) -> bool:
        """Whether it can have changed the rate from `before` to `after`."""
        if self.value is not None:
            return math.isclose(self.value, after, rel_tol=1e-6)
        return self.factor is None or math.isclose(before * self.factor, after, rel_tol=1e-6)


class RateLines:
    """Reads the user's files, each once, where a rate was changed by hand."""

    def __init__(self) -> None:
        self._sources = Sources("lr")
        self._known: dict[str, list[RateLine]] = {}

    def that_set(self, before: float, after: float) -> RateLine | None:
        """Returns the one line that can have set this rate; None if none or several can."""
        found = [
            line
            for file, tree in self._sources.trees()
            for line in self._of(file, tree)
            if line.may_have_set(before, after)
        ]
        exact = [line for line in found if (line.value, line.factor) != (None, None)]
        found = exact or found
        return found[0] if len(found) == 1 else None

    def _of(self, file: str, tree: ast.Module) -> list[RateLine]:
        if file not in self._known:
            self._known[file] = list(_assignments(tree, file, "<module>"))
        return self._known[file]


def _assignments(node: ast.AST, file: str, function: str) -> Iterator[RateLine]:
    for child in ast.iter_child_nodes(node):
        inside = function
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside = child.name
        if isinstance(child, ast.AugAssign) and _is_rate(child.target):
            factor = _number(child.value)
            known = factor is not None and isinstance(child.op, (ast.Mult, ast.Div))
            if known and factor and isinstance(child.op, ast.Div):
                factor = 1 / factor
            yield RateLine(file, child.lineno, inside, None, factor if known else None)
        elif isinstance(child, ast.Assign) and any(map(_is_rate, child.targets)):
            yield RateLine(file, child.lineno, inside, _number(child.value), None)
        elif isinstance(child, ast.Call) and _updates(child):
            yield RateLine(file, child.lineno, inside, None, None)
        yield from _assignments(child, file, inside)


def _is_rate(target: ast.AST) -> bool:
    """Whether this is `...["lr"]`."""
    return (
        isinstance(target, ast.Subscript)
        and isinstance(target.slice, ast.Constant)
        and target.slice.value == "lr"
    )


def _updates(call: ast.Call) -> bool:
    """Whether this is `group.update(lr=...)` or `group.update({"lr": ...})`."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "update"):
        return False
    keys = (key for arg in call.args if isinstance(arg, ast.Dict) for key in arg.keys)
    named = any(isinstance(key, ast.Constant) and key.value == "lr" for key in keys)
    return named or any(keyword.arg == "lr" for keyword in call.keywords)


def _number(node: ast.AST) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    return None
