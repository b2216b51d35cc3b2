"""One plot over steps, as the page's script is given it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ...journal.series import Series
from .thinning import short, thinned

FINE, COARSE = 4000, 600
"""Buckets of a curve that is recorded at every step, and of one that is sampled."""
MOST_LINES = 8
COVERED = 0.5
"""Share of the run that samples must cover to be drawn on all of its steps."""
_LIMITS = ("limit", "stable below")
"""Lines across that must not be passed; others are for comparison."""
WIDE = 60.0
"""Ratio of largest to smallest value above which a scale is logarithmic."""


@dataclass(slots=True)
class Panel:
    """One plot over steps.

    Attributes:
        key: Names it in the page.
        title: Stands above it.
        about: What it shows, in one sentence.
        lines: Label and series of each curve.
        limits: Label and value of each line drawn across.
        band: The first and the last line enclose the others.
        stepped: A value holds until the next one.
        logarithmic: Scale of the values; None: as they need it.
        sampled: Its values are taken on some steps only.
        own: It is drawn on the steps that it covers, since they are a small part of the run.
    """

    key: str
    title: str
    about: str
    lines: list[tuple[str, Series]] = field(default_factory=list)
    limits: list[tuple[str, float]] = field(default_factory=list)
    unit: str = ""
    band: bool = False
    stepped: bool = False
    logarithmic: bool | None = None
    sampled: bool = False
    own: bool = False

    def tell_samples(self, steps: int) -> None:
        """Says on how many steps of the run its values were taken, and which.

        Args:
            steps: Of the whole run.
        """
        seen = [s for label, s in self.lines if len(s) and not label.startswith("held-out")]
        count = max(map(len, seen), default=0)
        if not self.sampled or not count or count >= steps:
            return
        first, last = min(s.steps[0] for s in seen), max(s.steps[-1] for s in seen)
        self.own = last - first + 1 < COVERED * steps
        drawn = ", and drawn on these" if self.own else ""
        self.about += f" Sampled on {count:,} of {steps:,} steps, {first:,} to {last:,}{drawn}."

    def as_data(self, buckets: int = COARSE) -> dict[str, Any]:
        """Returns what the page's script is given."""
        lines = [(label, series) for label, series in self.lines if len(series)][:MOST_LINES]
        curves = [
            {"label": label, **thinned(series, FINE if len(series) > 20_000 else buckets)}
            for label, series in lines
        ]
        values = [value for curve in curves for value in curve["y"]]
        return {
            "key": self.key,
            "title": self.title,
            "about": self.about,
            "unit": self.unit,
            "band": self.band,
            "stepped": self.stepped,
            "own": self.own,
            "log": self._is_logarithmic(values),
            "lines": curves,
            "left_out": max(len(self.lines) - MOST_LINES, 0),
            "limits": [
                {"label": label, "y": short(value), "broken": label in _LIMITS}
                for label, value in self.limits
                if math.isfinite(value)
            ],
        }

    def _is_logarithmic(self, values: list[Any]) -> bool:
        if not values or min(values) <= 0 or any(value <= 0 for _, value in self.limits):
            return False
        if self.logarithmic is not None:
            return self.logarithmic
        return bool(max(values) / min(values) > WIDE)
