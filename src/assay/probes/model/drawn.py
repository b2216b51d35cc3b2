"""Probe: the lines of a script that draw weights, and with which spread."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import ClassVar

from ...watching.probe import Probe
from ...watching.sources import Sources, function_at

LINES_AT_MOST = 16
DRAWS = {"normal_": 1, "trunc_normal_": 1, "uniform_": 0}
"""Functions that fill a tensor, and how many arguments stand before its spread: the mean, for a
method of a tensor; the tensor itself comes before, for a function of `torch.nn.init`."""


class Drawn(Probe):
    """Finds, at the end, where the user's own files draw the values of weights.

    Event `weights_drawn`: each line that fills a tensor with `normal_`, `trunc_normal_` or
    `uniform_`, as a method or from `torch.nn.init`, or makes a parameter of `torch.randn`; with
    the spread that is written there as a number.
    """

    name = "drawn"
    sampled: ClassVar = ()

    def finish(self) -> None:
        """Reads the files that hold such a call."""
        told = 0
        for file, tree in Sources("normal_", "uniform_", "randn").trees():
            for node, spread in _draws(tree):
                if told < LINES_AT_MOST:
                    told += 1
                    line = [file, node.lineno, function_at(tree, node.lineno)]
                    self.watch.event("weights_drawn", line=line, spread=spread)


def _draws(tree: ast.AST) -> Iterator[tuple[ast.expr, float | None]]:
    """Yields the calls that draw weights, each with its standard deviation if that is a number."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if name in DRAWS:
            yield node, _spread(node, name)
        elif name == "Parameter" and node.args:
            drawn, factor = _factor(node.args[0])
            if isinstance(drawn, ast.Call) and _name(drawn.func) == "randn":
                yield node, factor


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _spread(call: ast.Call, name: str) -> float | None:
    """Returns the standard deviation that a call of one of `DRAWS` asks for."""
    of_init = isinstance(call.func, ast.Name) or _name(call.func.value) == "init"  # type: ignore[attr-defined]
    places = call.args[of_init + DRAWS[name] :]
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    if name == "uniform_":
        low = _number(places[0] if places else named.get("a"), 0.0)
        high = _number(places[1] if len(places) > 1 else named.get("b", named.get("to")), 1.0)
        return None if low is None or high is None else (high - low) / math.sqrt(12)
    return _number(places[0] if places else named.get("std"), 1.0)


def _factor(node: ast.expr) -> tuple[ast.expr, float | None]:
    """Returns what is multiplied or divided by a number, and by how much."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, ast.Call) and _name(one.func) == "randn":
                factor = _number(other, None)
                divided = isinstance(node.op, ast.Div) and factor
                return one, 1 / factor if divided and factor else factor
    return node, 1.0


def _number(node: ast.expr | None, otherwise: float | None) -> float | None:
    """Returns a number that is written out; `otherwise` where nothing is written."""
    if node is None:
        return otherwise
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return float(value) if isinstance(value, (int, float)) else None
