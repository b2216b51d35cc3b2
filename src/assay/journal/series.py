"""A named series of numbers over steps."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Series:
    """Values of one signal at one place, by step; steps ascend.

    Compact (16 bytes a sample) and read-only for checks. Iterates over `(step, value)`.
    """

    __slots__ = ("steps", "values")

    def __init__(self, samples: Iterable[tuple[int, float]] = ()) -> None:
        pairs = list(samples)
        self.steps = array("q", [step for step, _ in pairs])
        self.values = array("d", [value for _, value in pairs])

    def append(self, step: int, value: float) -> None:
        """Adds a sample; only the reader does."""
        self.steps.append(step)
        self.values.append(value)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        return zip(self.steps, self.values, strict=True)

    def __repr__(self) -> str:
        return f"Series({list(self)[:5]}{', ...' if len(self) > 5 else ''})"

    @property
    def first(self) -> float:
        """The first value; nan if there is none."""
        return self.values[0] if self.values else math.nan

    @property
    def last(self) -> float:
        """The last value; nan if there is none."""
        return self.values[-1] if self.values else math.nan

    def between(self, begin: int, end: int) -> Series:
        """Samples with `begin <= step < end`."""
        first, last = bisect_left(self.steps, begin), bisect_left(self.steps, end)
        part = Series()
        part.steps, part.values = self.steps[first:last], self.values[first:last]
        return part

    def finite(self) -> Series:
        """Samples whose value is finite; the series itself where all are."""
        if math.isfinite(sum(self.values)):  # one look for all: the usual series is finite
            return self
        return Series((s, v) for s, v in self if math.isfinite(v))

    def has(self, step: int) -> bool:
        """Whether this step was sampled."""
        i = bisect_left(self.steps, step)
        return i < len(self.steps) and self.steps[i] == step

    def held_at(self, step: int) -> float:
        """Returns the last value up to this step, which holds until the next; nan if none."""
        i = bisect_right(self.steps, step)
        return self.values[i - 1] if i else math.nan

    def at(self, step: int) -> float:
        """Returns the value at exactly this step; nan if it was not sampled."""
        i = bisect_left(self.steps, step)
        return self.values[i] if i < len(self.steps) and self.steps[i] == step else math.nan


EMPTY = Series()
