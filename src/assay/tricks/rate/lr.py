"""The trick `lr`."""

from __future__ import annotations

import math
from typing import Any

from ..base import Option, TrickError
from .effective import Rate, scale, set_top
from .trick import RateTrick


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
    value = Option("value", str, required=True, help="a rate, or x and a factor: 1e-3, x0.1")

    def check(self) -> None:
        """Reads the number or the factor."""
        raw = str(self.given.value)
        self.scales = raw.startswith("x")
        try:
            self.number = float(raw[1:] if self.scales else raw)
        except ValueError:
            self.number = math.nan
        if not 0 < self.number < math.inf:
            what = "a number above 0, or x and a factor like x0.1"
            raise TrickError(f"lr={raw}: expected {what}, received {raw!r}")

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Multiplies each group's rate."""
        if self.scales:
            scale(rates, self.number)
        else:
            set_top(rates, self.number)
