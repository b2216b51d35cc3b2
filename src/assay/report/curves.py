"""Curves of control and treated runs in a few rows of a terminal."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from statistics import fmean

from rich.text import Text

Curve = Sequence[tuple[int, float]]

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character, by column and row (Unicode standard, block 2800)."""
_SPREAD = 10.0
"""Ratio of largest to smallest value above which the vertical scale is logarithmic."""

CONTROL_STYLE, TREATED_STYLE = "bright_black", "green"


def draw(
    control: Sequence[Curve],
    treated: Sequence[Curve],
    *,
    width: int = 56,
    height: int = 7,
    plain: bool = False,
) -> list[Text]:
    """Draws the mean of each side as a line and the spread over its seeds as dots.

    Args:
        control: One curve for each seed, (step, value); values that are not finite are left out.
        treated: The same of the treated runs.
        width: In characters, without the scale on the left.
        height: In rows, without the steps below.
        plain: Draw with ASCII only: `.` is the control, `*` the treated runs.

    Returns:
        One line a row; empty if there is nothing to draw.
    """
    sides = [_finite(control), _finite(treated)]
    everyone = [point for side in sides for curve in side for point in curve]
    if not everyone or not all(sides):
        return []
    begin, end = min(s for s, _ in everyone), max(s for s, _ in everyone)
    low, high = min(v for _, v in everyone), max(v for _, v in everyone)
    logarithmic = low > 0 and high / low > _SPREAD
    columns, rows = width * (1 if plain else 2), height * (1 if plain else 4)

    def row(value: float) -> int:
        a, b, v = (math.log(x) if logarithmic else x for x in (low, high, value))
        return round((b - v) / (b - a) * (rows - 1)) if b > a else rows // 2

    layers = [_layer(side, begin, end, columns, row) for side in sides]
    digits = max(len(f"{low:.3g}"), len(f"{high:.3g}"))
    lines = []
    for y in range(height):
        scale = f"{high:.3g}" if y == 0 else f"{low:.3g}" if y == height - 1 else ""
        line = Text(f"{scale:>{digits}} ", "dim")
        for x in range(width):
            line.append(*_cell(layers, x, y, plain=plain))
        lines.append(line)
    last = Text(f"{'':{digits}} step {begin}", "dim")
    last.append(f"{end:>{max(width - len(f'step {begin}'), 1)}}")
    return [*lines, last]


def _finite(curves: Sequence[Curve]) -> list[list[tuple[int, float]]]:
    kept = [[(s, v) for s, v in curve if math.isfinite(v)] for curve in curves]
    return [curve for curve in kept if curve]


def _layer(
    curves: list[list[tuple[int, float]]], begin: int, end: int, columns: int, row: object
) -> set[tuple[int, int]]:
    """Draws the dots of one side."""
    assert callable(row)
    dots: set[tuple[int, int]] = set()
    previous: int | None = None
    for x in range(columns):
        step = begin + (end - begin) * x / max(columns - 1, 1)
        values = [v for curve in curves if (v := _at(curve, step)) is not None]
        if not values:
            previous = None
            continue
        y = row(fmean(values))
        lowest, highest = (y, y) if previous is None else (min(y, previous), max(y, previous))
        dots.update((x, level) for level in range(lowest, highest + 1))
        previous = y
        if x % 3 == 0:
            dots.update((x, row(value)) for value in (min(values), max(values)))
    return dots


def _at(curve: list[tuple[int, float]], step: float) -> float | None:
    """Returns the value on the line between two neighbours; None past either end."""
    place = bisect_right(curve, (step, math.inf))
    if place == 0:
        return None
    before = curve[place - 1]
    if place == len(curve):
        return before[1] if step <= before[0] else None
    after = curve[place]
    return before[1] + (after[1] - before[1]) * (step - before[0]) / (after[0] - before[0])


def _cell(layers: list[set[tuple[int, int]]], x: int, y: int, *, plain: bool) -> tuple[str, str]:
    """Returns one character and its style: the treated runs lie on top."""
    control, treated = layers
    if plain:
        if (x, y) in treated:
            return "*", TREATED_STYLE
        return ("." if (x, y) in control else " "), CONTROL_STYLE
    bits = [0, 0]
    for side, layer in enumerate(layers):
        for column, dots in enumerate(_DOTS):
            for level, bit in enumerate(dots):
                if (2 * x + column, 4 * y + level) in layer:
                    bits[side] |= bit
    style = TREATED_STYLE if bits[1] else CONTROL_STYLE
    return (chr(0x2800 | bits[0] | bits[1]) if any(bits) else " "), style
