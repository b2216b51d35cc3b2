"""Why a derivative was not finite where the value was: by operation, from its forward operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..formats import by_dtype


class Given(Protocol):
    """What is known of a forward operand."""

    @property
    def name(self) -> str:
        """As the operation calls it."""

    @property
    def low(self) -> float:
        """Its smallest finite number."""

    @property
    def high(self) -> float:
        """Its largest finite number."""

    @property
    def dtype(self) -> str:
        """As torch calls it."""

    @property
    def zeros(self) -> int:
        """How many zeros it has."""


_AT_ZERO = {
    "sqrt": "the derivative of sqrt at 0 is infinite",
    "rsqrt": "the derivative of rsqrt at 0 is infinite",
    "log": "the derivative of log at 0 is infinite",
    "log2": "the derivative of log2 at 0 is infinite",
    "log10": "the derivative of log10 at 0 is infinite",
    "reciprocal": "the derivative of 1 / x at 0 is infinite",
    "lgamma": "the derivative of lgamma at 0 is infinite",
    "hypot": "the derivative of hypot where both are 0 is 0 / 0",
}
_EDGES = {"atanh": (-1.0, 1.0), "erfinv": (-1.0, 1.0), "logit": (0.0, 1.0)}
_TWICE = ("; where its gradient is 0, as behind torch.where, that makes 0 * infinity = NaN: keep 0 "
          "out of the operand itself")  # fmt: skip


def why_backward(op: str, given: Sequence[Given], kind: Sequence[str]) -> str:
    """Says why the derivative of an operation is not finite; "" where no rule knows it.

    Args:
        op: The forward operation, without underscores at its ends.
        given: Its operands.
        kind: Which kinds of values the backward pass gave.
    """
    if not given:
        return ""
    x = given[0]
    if op in _AT_ZERO and x.zeros:
        return _AT_ZERO[op] + (_TWICE if "nan" in kind else "")
    if op in ("acos", "asin") and (x.low <= -1 or x.high >= 1):
        return f"the derivative of {op} at 1 and -1 is infinite, and x reached {_edge(x):.8g}"
    if op == "acosh" and x.low <= 1:
        return "the derivative of acosh at 1 is infinite"
    if op in _EDGES and (x.low <= _EDGES[op][0] or x.high >= _EDGES[op][1]):
        low, high = _EDGES[op]
        return f"the derivative of {op} at {low:g} and {high:g} is infinite"
    if op == "log1p" and x.low <= -1:
        return "the derivative of log1p at -1 is infinite"
    if op in ("exp", "expm1") and "nan" in kind:
        return f"{op} had overflowed to infinity, which a gradient of 0 turns into NaN"
    if op in ("linalg_eigh", "linalg_svd", "linalg_eig"):
        return f"the derivative of {op} divides by differences of its values, 0 where two are equal"
    if op == "pow" and len(given) > 1:
        power = given[1]
        if x.zeros and power.low < 1:
            return f"the derivative of x ** {power.low:g} at 0 is infinite"
    under = given[1] if op == "div" and len(given) > 1 else x if op == "reciprocal" else None
    if under is not None:
        least = min(abs(under.low), abs(under.high))
        known = by_dtype(under.dtype)
        square = "the derivative of x / y divides by the square of y"
        if under.zeros:
            return f"{square}, and y was 0"
        if known is not None and 1 / (known.largest * least) > least:
            return f"{square}, which is too small for {under.dtype}: y came down to {least:.4g}"
    if op == "xlogy" and len(given) > 1 and given[1].zeros:
        return "the derivative of x * log(y) at y = 0 is infinite"
    if op == "logsumexp":
        return "logsumexp over a row of which all are -inf has no derivative"
    return ""


def _edge(x: Given) -> float:
    return x.high if x.high >= 1 else x.low
