"""Formats of floating-point numbers: their ranges, computed from how many bits each part has."""

from __future__ import annotations

import math
from dataclasses import dataclass

GUARDS = (1e-6, 1e-7, 1e-8, 1e-12)
"""Constants that are usually added under a logarithm, a root or in a divisor."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: a sign, an exponent and a fraction, as in IEEE 754.

    Attributes:
        name: As people say it.
        dtype: As torch calls it; "" where torch stores no such numbers.
        exponent: Bits of the exponent.
        fraction: Bits of the fraction, without the leading one that is not stored.
        infinities: Whether the largest exponent is kept for infinity and NaN. Where it is not
            (`fn`: finite), it belongs to numbers, but for the largest fraction, which is NaN.
    """

    name: str
    dtype: str
    exponent: int
    fraction: int
    infinities: bool = True

    @property
    def bits(self) -> int:
        """All bits: those of the two parts, and the sign."""
        return 1 + self.exponent + self.fraction

    @property
    def _bias(self) -> int:
        return int(2 ** (self.exponent - 1) - 1)

    @property
    def largest(self) -> float:
        """The largest finite number."""
        if self.infinities:
            return math.ldexp(2 - 2.0**-self.fraction, self._bias)
        return math.ldexp(2 - 2.0 ** (1 - self.fraction), self._bias + 1)

    @property
    def smallest_normal(self) -> float:
        """The smallest number above 0 with all bits of precision."""
        return math.ldexp(1.0, 1 - self._bias)

    @property
    def smallest_subnormal(self) -> float:
        """The smallest number above 0."""
        return math.ldexp(1.0, 1 - self._bias - self.fraction)

    @property
    def eps(self) -> float:
        """The distance from 1 to the next larger number."""
        return 2.0**-self.fraction

    @property
    def exp_overflows(self) -> float:
        """The x above which exp(x) is larger than the largest number."""
        return math.log(self.largest)

    @property
    def exp_vanishes(self) -> float:
        """The x below which exp(x) is rounded to 0: half of the smallest number."""
        # log of the half itself would be log(0) in the widest format
        return math.log(self.smallest_subnormal) - math.log(2)

    def rounded(self, value: float) -> float:
        """Returns the nearest number of this format, of two equally near ones the even one.

        Above the range: infinity, or NaN in a format without it.
        """
        if not math.isfinite(value) or value == 0:
            return value
        exponent = max(math.frexp(value)[1] - 1, 1 - self._bias)
        nearest = round(math.ldexp(value, self.fraction - exponent))
        try:
            found = math.ldexp(float(nearest), exponent - self.fraction)
        except OverflowError:
            found = math.copysign(math.inf, value)
        if abs(found) > self.largest:
            return math.copysign(math.inf, value) if self.infinities else math.nan
        return found

    def log_of(self, value: float) -> float:
        """Returns log(value) once the value has been stored in this format; -inf if that is 0."""
        stored = self.rounded(value)
        return math.log(stored) if stored > 0 else -math.inf


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("fp64", "float64", 11, 52),
        Format("fp32", "float32", 8, 23),
        Format("tf32", "", 8, 10),
        Format("bf16", "bfloat16", 8, 7),
        Format("fp16", "float16", 5, 10),
        Format("fp8-e4m3fn", "float8_e4m3fn", 4, 3, infinities=False),
        Format("fp8-e5m2", "float8_e5m2", 5, 2),
    )
}

_OTHER_NAMES = {
    "double": ("fp64",),
    "float": ("fp32",),
    "half": ("fp16",),
    "fp8": ("fp8-e4m3fn", "fp8-e5m2"),
    "e4m3": ("fp8-e4m3fn",),
    "e4m3fn": ("fp8-e4m3fn",),
    "e5m2": ("fp8-e5m2",),
}


def named(word: str) -> tuple[Format, ...]:
    """Returns the formats that a word means: `fp16`, `float16`, `torch.half`, `fp8` (both).

    Raises:
        KeyError: None is called so.
    """
    name = word.lower().removeprefix("torch.").replace("_", "-")
    if not name:
        raise KeyError(word)
    for each in FORMATS.values():
        if name in (each.name, each.dtype.replace("_", "-")):
            return (each,)
    return tuple(FORMATS[known] for known in _OTHER_NAMES[name])


def by_dtype(dtype: str | None) -> Format | None:
    """Returns the format that torch calls so; None for one that is not here."""
    return next((each for each in FORMATS.values() if dtype and each.dtype == dtype), None)
