"""Paired differences over few seeds: how large is the effect, and how far can it be trusted?

Sources: Student 1908 (the paired t interval, exact for normal differences however few there are);
Bonferroni's inequality (several candidates in one trial); closed forms of the t distribution from
Abramowitz and Stegun 1964, 26.7.3 and 26.7.4. Control and treated runs of a trick that does nothing
are exchangeable, so that the differences are symmetric about 0 whatever shape the runs' noise has,
and all n of them favour the trick with a probability of at most 2^-n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev, variance

LEVEL = 0.95
"""Coverage of an interval; with m candidates in one trial it is 1 - 0.05 / m for each."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a trick changed, seed by seed: above 0 is an improvement.

    Attributes:
        differences: Control minus treated (of logarithms where `relative`), one for each seed. A
            run that is not finite is worse than any: such a difference is inf or -inf, and 0 if
            both are not finite.
        relative: Whether metrics were compared as ratios: all of them are above 0.
        mean: Mean difference; nan unless all are finite.
        low, high: Ends of the interval of the mean; nan unless there are two finite differences.
        floor: What the seeds alone make of the difference of two means of control runs, one
            standard deviation; nan with fewer than two finite control runs.
        noise: What they make of the difference of these two means, by the spread of both sides (of
            one, where the other has fewer than two finite runs; nan if both have).
        scale: Mean size of the control's metric, the unit of a difference that is not relative.
    """

    differences: tuple[float, ...]
    relative: bool
    mean: float
    low: float
    high: float
    floor: float
    noise: float
    scale: float

    def share(self, difference: float) -> float:
        """Returns a difference as a share of the control's metric: 0.4 says 40 % lower."""
        if self.relative:
            return -math.expm1(-difference)
        return difference / self.scale if self.scale else math.copysign(math.inf, difference)


def compare(control: Sequence[float], treated: Sequence[float], candidates: float = 1) -> Effect:
    """Compares runs seed by seed.

    Args:
        control: The metric of the control, lower is better, inf for a run that was not finite.
        treated: Of the same seeds, in the same order.
        candidates: Among how many the 5 % are shared: candidates, and looks at each.

    Raises:
        ValueError: The lengths differ, or there is no pair.
    """
    if len(control) != len(treated) or not control:
        raise ValueError(f"{len(control)} control runs and {len(treated)} treated ones")
    finite = [value for value in (*control, *treated) if math.isfinite(value)]
    relative = all(value > 0 for value in finite)

    def at(value: float) -> float:
        return math.log(value) if relative and math.isfinite(value) else value

    differences = tuple(
        0.0 if a == b else at(a) - at(b) for a, b in zip(control, treated, strict=True)
    )
    sides = [[at(value) for value in side if math.isfinite(value)] for side in (control, treated)]
    spreads = [variance(side) if len(side) > 1 else math.nan for side in sides]
    known = [spread for spread in spreads if math.isfinite(spread)]
    mean = low = high = math.nan
    if all(map(math.isfinite, differences)):
        mean = fmean(differences)
        if len(differences) > 1:
            reach = quantile(1 - (1 - LEVEL) / candidates / 2, len(differences) - 1)
            half = reach * stdev(differences) / math.sqrt(len(differences))
            low, high = mean - half, mean + half
    return Effect(
        differences=differences,
        relative=relative,
        mean=mean,
        low=low,
        high=high,
        floor=math.sqrt(2 * spreads[0] / len(differences)),
        noise=math.sqrt(2 * fmean(known) / len(differences)) if known else math.nan,
        scale=fmean(plain) if (plain := [abs(v) for v in control if math.isfinite(v)]) else 0.0,
    )


def probability(t: float, freedom: int) -> float:
    """Returns P(T <= t) for Student's t with a whole number of degrees of freedom."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return (1 + inside) / 2


def quantile(share: float, freedom: int) -> float:
    """Returns the t below which a `share` (above 0.5, below 1) of the distribution lies."""
    if not 0.5 < share < 1 or freedom < 1:
        raise ValueError(f"share {share} with {freedom} degrees of freedom")
    low, high = 0.0, 2.0
    while probability(high, freedom) < share:
        high *= 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if probability(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
