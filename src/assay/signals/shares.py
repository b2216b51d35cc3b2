"""Whether numbers are shares of counted samples, such as an accuracy."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction

DISTINCT = 4
"""Values of which fewer tell nothing."""
LARGEST = 1_000_000
EXACT = 5e-15
"""A number that is drawn at random lies within this of a fraction with so large a denominator in
one case of a hundred, a quotient of counts always: four values are enough to tell."""
SAMPLES = 20_000
SINGLE = 1.2e-7
"""For quotients in float32 one count of samples has to fit all values."""


def are_shares(values: Sequence[float]) -> bool | None:
    """Whether these are shares, or percentages, of counted samples.

    None where it can't be told: too few differ, or they were rounded to a few digits.
    """
    distinct = sorted({v for v in values if v not in (0.0, 1.0, 100.0)})
    if len(distinct) < DISTINCT:
        return None
    if distinct[0] < 0 or distinct[-1] > 100:
        return False
    if all(round(v, 6) == v for v in distinct):
        return None
    if distinct[-1] > 1:
        distinct = [v / 100 for v in distinct]
    if all(struct.unpack("f", struct.pack("f", v))[0] == v for v in distinct):
        return _of_one_count(distinct) if len(distinct) > DISTINCT else None
    if all(abs(v - Fraction(v).limit_denominator(LARGEST)) <= EXACT for v in distinct):
        return True
    # single precision before a percentage was made of it
    return _of_one_count(distinct) if len(distinct) > DISTINCT else False


def _of_one_count(values: Sequence[float]) -> bool:
    return any(
        all(abs(v * count - round(v * count)) <= SINGLE * v * count for v in values)
        for count in range(2, SAMPLES)
    )
