"""Numbers as JSON can hold them: it has none for what is not finite, so those are words.

Used by both sides, for journals, results of trials, reports and exports; `float` reads the words.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_json(value: float) -> float | str:
    """Returns a number, or the word for one that is not finite: `nan`, `inf` or `-inf`."""
    if math.isfinite(value):
        return value
    return "nan" if value != value else "inf" if value > 0 else "-inf"


WHOLE = 2.0**53


def compact(value: float) -> float | str:
    """Returns seven significant digits, as float32 has no more, or a word.

    A whole number is kept as it is while float64 can tell it from the next: the sum of a batch of
    integers tells batches apart by its last digit.
    """
    if value.is_integer() and abs(value) < WHOLE:
        return value
    return float(f"{value:.7g}") if math.isfinite(value) else to_json(value)


def single(value: float) -> float:
    """Returns the float32 that was written as these nine digits, to the last bit.

    A number that no float32 is written as is returned as it is.
    """
    try:
        (near,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return value
    return float(near) if f"{near:.9g}" == f"{value:.9g}" else value


def from_json(value: Any) -> float:
    """Returns what `to_json` was given; nan for None and for text that is no such word."""
    if isinstance(value, str):
        return WORDS.get(value, math.nan)
    return math.nan if value is None else float(value)


def json_safe(value: Any, number: Callable[[float], float | str] = to_json) -> Any:
    """Returns what JSON can hold: numbers by `number`, keys as text, anything unknown as text."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return {str(key): json_safe(item, number) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_safe(item, number) for item in value]
    return value if isinstance(value, (int, str, bool, type(None))) else str(value)
