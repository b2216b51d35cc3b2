"""Operands of a traced operation, and what made them 0 or empty, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...journal.numbers import from_json

Data = Mapping[str, Any]

_CALLED = {
    "nll_loss_forward": "nll_loss",
    "nll_loss2d_forward": "nll_loss",
    "native_layer_norm": "layer_norm",
    "native_group_norm": "group_norm",
    "native_batch_norm": "batch_norm",
    "linalg_vector_norm": "norm",
    "addmm": "matrix product (addmm)",
    "mm": "matrix product (mm)",
    "bmm": "matrix product (bmm)",
    "baddbmm": "matrix product (baddbmm)",
    "_to_copy": "cast",
    "copy": "copy",
    "_local_scalar_dense": "item",
}


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand: a tensor's range, or a number of Python."""

    name: str
    at: float
    low: float
    high: float
    shape: tuple[int, ...]
    dtype: str
    zeros: int
    made: Data | None
    number: bool
    weight: bool

    @staticmethod
    def read(facts: Data) -> Operand:
        """Reads one of `operands` of the event."""
        if "number" in facts:
            value = from_json(facts["number"])
            return Operand(facts["name"], value, value, value, (), "", 0, facts.get("made"),
                           number=True, weight=False)  # fmt: skip
        return Operand(
            str(facts["name"]),
            from_json(facts.get("at")),
            from_json(facts.get("low")),
            from_json(facts.get("high")),
            tuple(facts.get("shape", ())),
            str(facts.get("dtype", "")),
            int(facts.get("zeros") or 0),
            facts.get("made"),
            number=False,
            weight=bool(facts.get("weight")),
        )

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def largest(self) -> float:
        """The largest absolute value of its finite numbers; nan without one."""
        return max(abs(self.low), abs(self.high))


def operation(op: str) -> str:
    """Returns an operation's name for people: `softmax` for `_softmax`, `add` for `add_`."""
    return _CALLED.get(op) or _CALLED.get(op.strip("_")) or op.removeprefix("_foreach").strip("_")


def said(number: float) -> str:
    """Returns a number as people write it: `65,504`, `3.403e+38`."""
    return f"{number:,.0f}" if 1000 <= number < 1e6 else f"{number:.4g}"


def what_made(divisor: Operand) -> str:
    """Says what made a divisor 0; "" where that is not known."""
    made = divisor.made
    if made is None:
        return ": the divisor is a plain 0" if divisor.number else ""
    op, given = operation(made["op"]), [Operand.read(o) for o in made["operands"]]
    line = f" (line {made['line'][1]})" if made.get("line") else ""
    if op in ("lift_fresh", "full", "scalar_tensor", "zeros", "zeros_like"):
        return f": the divisor is a constant 0{line}"
    first = given[0] if given else None
    if first is None:
        return ""
    # a number of Python is known by its value alone
    known = ": the divisor may be" if divisor.number else ": the divisor is"
    if not first.elements:
        return f"{known} the {op} of nothing{line}"
    size = first.elements
    if first.dtype == "bool" and first.zeros == size:
        return f"{known} the {op} of a mask of {size}, none of which is set{line}"
    if op in ("sum", "mean", "norm", "count_nonzero", "amax", "max") and first.zeros == size:
        return f"{known} the {op} of {size} zeros{line}"
    if op in ("std", "var"):
        return f"{known} the {op} of numbers that are all the same{line}"
    if op == "sub":
        return f"{known} a difference of equal numbers{line}"
    return f"{known} what {op} made{line}"


def what_emptied(given: Operand) -> str:
    """Says what has left no element."""
    made = given.made
    if made is None:
        return f": its operand has the shape {list(given.shape)}"
    line = f" (line {made['line'][1]})" if made.get("line") else ""
    return f": its operand has the shape {list(given.shape)}, made by {operation(made['op'])}{line}"
