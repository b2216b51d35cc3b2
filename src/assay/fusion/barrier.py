"""The loss along the line between two checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from .candidates import Candidates

POINTS = (0.25, 0.5, 0.75)
"""Between the ends, which are the inputs themselves."""

Curve = tuple[tuple[float, float], ...]


def along(candidates: Candidates, ends: Sequence[float]) -> Curve:
    """Returns the metric along the straight line, as (t, value), from the first to the second."""
    between = tuple(
        (t, candidates.try_(method=f"linear,t={t}", layers=[], weights=[1.0, 1.0])) for t in POINTS
    )
    return ((0.0, ends[0]), *between, (1.0, ends[1]))


def barrier(curve: Curve) -> tuple[float, float]:
    """Returns how far the curve rises above the line between its ends at most, and where.

    Frankle et al. 2020, "Linear Mode Connectivity and the Lottery Ticket Hypothesis", with the
    line of Entezari et al. 2022 in place of the mean of the ends.
    """
    first, last = curve[0][1], curve[-1][1]
    return max((value - (1 - t) * first - t * last, t) for t, value in curve)
