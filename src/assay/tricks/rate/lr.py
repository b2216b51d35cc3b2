"""The trick `lr`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

from ..base import Suggestion, TrickError, alike, value
from .effective import Rate, scale, set_top
from .trick import RateTrick

if TYPE_CHECKING:
    from ...journal.view import Training

GOOD_QUALITY = 0.5
"""Step quality at the minimum along a step. Good rates were measured between 0.1 and 0.7 on digits
(design, section 5)."""
FACTORS = (0.01, 30.0)
"""A measured rate is not believed further away from the script's own than this."""
FAR = 100.0
"""Where a check names such a factor, three times it is tried as well."""


class Lr(RateTrick):
    """Sets or scales the learning rate that every step is taken with.

    ## What it does
    `lr=1e-3` trains as if the script had begun with this rate; `lr=x0.1` multiplies what it has.
    Several groups keep their ratios: the number given is that of the group with the largest rate.
    The script's scheduler goes on undisturbed and scales the new rate as it scaled the old one.

    ## Formula
    `rate <- rate * factor` at each step, with `factor = given / first rate` where a number is
    given. The first rate is the one before any scheduler; of a OneCycleLR, its top. Source: the
    learning rate of Robbins and Monro 1951, "A Stochastic Approximation Method".

    ## When
    `learning-rate-too-high` or `learning-rate-too-low` was found; a range test (`assay lr`) has
    suggested a value.

    ## Cost
    One multiplication per group and step.

    ## Conflicts and order
    First of the tricks on the rate: `schedule` and `warmup` scale what it sets. Optimizers of one
    script are each set to the same number, so for a script with two of them use a factor.

    ## Common mistakes
    Choosing the rate by looking at its bare value: 0.1 is right for one network and optimizer and
    hopeless for the next. What matters is the step in relation to the curvature.
    """

    name = "lr"
    family = "rate"
    explore = ("x3", "x0.3")
    rate: float | str = value(kind=str, help="a rate, or x and a factor: 1e-3, x0.1")

    def __post_init__(self) -> None:
        """Reads the number or the factor."""
        super().__post_init__()
        raw = str(self.rate)
        self.scales = raw.startswith("x")
        try:
            self.number = float(raw[1:] if self.scales else raw)
        except ValueError:
            self.number = math.nan
        if not 0 < self.number < math.inf:
            what = "a number above 0, or x and a factor like x0.1"
            raise TrickError(f"lr={raw}: expected {what}, received {raw!r}")

    @classmethod
    def suggest(cls, training: Training, proposed: str = "") -> Iterator[Suggestion]:
        """Suggests the check's rate, and those that sharpness and step quality point to."""
        own = max(training.series("learning_rate", "group 0").finite().values, default=0.0)
        asked = cls._factor(proposed, own)
        measured = list(_measured_factors(training))
        if asked is not None:
            asked = max(asked, FACTORS[0])
            if asked >= FAR:  # a power of ten, at most a tenth of what is stable
                measured.append((3 * asked, f"three times {asked:g} times the script's own"))
        elif not measured:
            measured = [(0.1, "a tenth of the script's own"), (0.3, "a third of the script's own")]
        tried: list[float] = []
        for factor, why in [*([(asked, "")] if asked is not None else []), *measured]:
            # a measurement that points the other way answers another question
            if asked is not None and (factor < 1) != (asked < 1):
                continue
            if not any(alike(factor, other) for other in (1.0, *tried)):
                tried.append(factor)
                yield Suggestion(f"x{factor:.2g}", why)

    @classmethod
    def _factor(cls, proposed: str, own: float) -> float | None:
        """Returns what a value multiplies the script's own rate with; None if it can't be told."""
        try:
            trick = cls(proposed)
        except TrickError:
            return None
        return trick.number if trick.scales else trick.number / own if own > 0 else None

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Multiplies each group's rate."""
        if self.scales:
            scale(rates, self.number)
        else:
            set_top(rates, self.number)


def _measured_factors(training: Training) -> Iterator[tuple[float, str]]:
    low, high = FACTORS
    sharp, limit = (training.series(s) for s in ("rate_times_sharpness", "stability_limit"))
    worst = max(sharp.finite().values, default=0.0)
    allowed = limit.finite().last
    if worst > 0 and allowed > 0:
        factor = min(max(0.5 * allowed / worst, low), high)
        why = f"half of what the measured sharpness allows: rate x sharpness was {worst:.3g}"
        yield factor, f"{why}, stable below {allowed:.3g}"
    quality = training.series("step_quality").finite().values
    if len(quality) >= 5:
        usual = median(quality)
        # on a parabola r = 1 - rate / (2 best rate)
        factor = min(max((1 - GOOD_QUALITY) / max(1 - usual, 1e-3), low), high)
        yield factor, f"brings the measured step quality from {usual:.2f} to {GOOD_QUALITY}"
