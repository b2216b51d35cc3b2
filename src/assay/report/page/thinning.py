"""Series cut down to what a screen can show, so that no spike is lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...journal.series import Series

Curve = dict[str, list[float] | list[int] | list[list[int]]]
"""`x` steps, `y` values, `bad` stretches [first, last] of steps at which it was not finite."""

DIGITS = 5
"""Significant digits that are kept: more than a pixel can show, fewer bytes."""


def short(value: float) -> float:
    """Returns the value with the digits that are kept."""
    return float(f"{value:.{DIGITS}g}")


def thinned(series: Series, buckets: int) -> Curve:
    """Keeps the lowest and the highest value of each of so many stretches of samples.

    Args:
        series: What to cut down; it is kept whole if it has at most two samples a bucket.
        buckets: Number of stretches, each of as many samples as the others.
    """
    steps, values = series.steps, series.values
    count = len(steps)
    chosen: Iterable[int]
    if count <= 2 * buckets:
        chosen, wrong = _split(values, 0, count)
    else:
        kept: list[int] = [0]
        wrong = []
        for bucket in range(buckets):
            begin, end = bucket * count // buckets, (bucket + 1) * count // buckets
            stretch = values[begin:end]
            if not math.isfinite(sum(stretch)):  # one look for all: the usual stretch is finite
                finite, lost = _split(values, begin, end)
                wrong += lost
                if not finite:
                    continue
                low = min(finite, key=values.__getitem__)
                high = max(finite, key=values.__getitem__)
            else:
                low = begin + stretch.index(min(stretch))
                high = begin + stretch.index(max(stretch))
            kept += [low, high] if low < high else [high, low]
        kept.append(count - 1)
        chosen = sorted({i for i in kept if math.isfinite(values[i])})
    places = list(chosen)
    return {
        "x": [steps[i] for i in places],
        "y": [short(values[i]) for i in places],
        "bad": _stretches(wrong, steps),
    }


def _split(values: Sequence[float], begin: int, end: int) -> tuple[list[int], list[int]]:
    """Places of values that are finite, and of those that are not."""
    finite: list[int] = []
    wrong: list[int] = []
    for i in range(begin, end):
        (finite if math.isfinite(values[i]) else wrong).append(i)
    return finite, wrong


def _stretches(places: list[int], steps: Sequence[int], most: int = 100) -> list[list[int]]:
    """Joins neighbouring places to stretches of steps; past `most` the last takes the rest."""
    found: list[list[int]] = []
    last = -2
    for place in places:
        if place == last + 1 or len(found) == most:
            found[-1][1] = steps[place]
        else:
            found.append([steps[place], steps[place]])
        last = place
    return found
