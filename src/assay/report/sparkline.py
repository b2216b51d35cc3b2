"""A series in one row of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..checks.finding import Evidence, Finding
from ..journal.series import EMPTY, Series
from ..journal.signals import SIGNALS
from ..journal.view import RunView

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.-:=+*#"
_SPREAD = 300.0
"""Ratio of largest to smallest value above which the row is drawn on a logarithmic scale."""


def series_behind(view: RunView, finding: Finding, evidence: Evidence) -> Series:
    """Returns the series that evidence was read from; empty if it is no recorded signal."""
    if evidence.signal not in SIGNALS:  # computed by the check
        return EMPTY
    places = [evidence.place, finding.where.parameter, finding.where.module, ""]
    if finding.where.group is not None:
        places.append(f"group {finding.where.group}")
    for training in view.trainings:
        if finding.where.site is not None and training.site not in (None, finding.where.site):
            continue
        for place in places:
            if place is not None and len(series := training.series(evidence.signal, place)) > 1:
                return series
    for training in view.trainings:
        for place in places:
            if place is not None and len(series := training.series(evidence.signal, place)) > 1:
                return series
    return EMPTY


def sparkline(series: Series, width: int = 24, *, plain: bool = False) -> str:
    """Draws a series, one character for each stretch of samples.

    Args:
        series: What to draw; the last value of each stretch is shown, so a blow-up isn't averaged.
        width: At most this many characters.
        plain: Draw with ASCII only.

    Returns:
        The row; `!` marks a value that is not finite. Empty for fewer than two values.
    """
    values = _stretches(series, width)
    finite = [value for value in values if math.isfinite(value)]
    if len(values) < 2 or not finite:
        return ""
    low, high = min(finite), max(finite)
    if low > 0 and high / low > _SPREAD:
        values = [math.log(value) if math.isfinite(value) else value for value in values]
        low, high = math.log(low), math.log(high)
    bars = PLAIN_BARS if plain else BARS
    top = len(bars) - 1
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return "".join(bars[top // 2] if math.isfinite(value) else "!" for value in values)
    return "".join(
        bars[round((value - low) / span * top)] if math.isfinite(value) else "!" for value in values
    )


def _stretches(series: Series, width: int) -> Sequence[float]:
    """Samples in stretches of equal count: most lie in the first steps, where faults show."""
    values = series.values
    if len(values) <= width:
        return list(values)
    cells = []
    for cell in range(width):
        stretch = values[cell * len(values) // width : (cell + 1) * len(values) // width]
        # what is not finite must stay visible
        cells.append(next((v for v in stretch if not math.isfinite(v)), stretch[-1]))
    return cells
