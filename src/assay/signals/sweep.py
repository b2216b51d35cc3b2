"""The curve of a range test: loss against rate, and which rates it and the sharpness point to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ..journal.view import Training

DECADES = 0.3
"""Half the width of the stretch that each point of the smooth curve is fitted to, in decades."""
ROBUST = 2
"""Rounds in which points far from the fit lose weight (Cleveland 1979)."""
CAP = 2.0
"""A loss counts as at most so many times the first: what explodes must not bend the curve before
it."""
FLOOR = 1e-3
"""And as at least this share of the first, where logarithms are taken."""
FIRST = 5
"""Steps whose mean is the first loss."""
OUT_OF_NOISE = 4.0
"""A loss that fell by fewer standard errors of the smooth curve than this has not fallen."""
AT_LEAST = 30
"""Points that a curve needs: the shortest from which the rules were tried."""
SETTLED = 26
"""The step from which a measured sharpness holds enough gradients (probe `sharpness`)."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Loss against rate, and what it says.

    Attributes:
        rates: Ascending; of the group with the largest rate.
        losses: As measured, all finite.
        smooth: Fitted to them.
        steepest: Rate at which the loss (its logarithm if no loss is below 0) falls fastest per
            logarithm of the rate; nan if it does not fall.
        lowest: Rate at which the smooth curve is lowest; nan if it does not fall.
        still_falling: The lowest point is the last one.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]
    steepest: float = math.nan
    lowest: float = math.nan
    still_falling: bool = False

    @property
    def suggestion(self) -> float:
        """Halfway, in logarithms, between the steepest fall and the lowest loss.

        At the first the loss has much left to lose; the second is where steps begin to do harm.
        """
        return math.sqrt(self.steepest * self.lowest)


def curve(points: Sequence[tuple[float, float]]) -> Curve | None:
    """Fits the curve; None for fewer than 30 finite points.

    Args:
        points: (rate, loss) in the order of the steps, rates ascending.
    """
    finite = [(r, y) for r, y in points if math.isfinite(y) and r > 0]
    if len(finite) < AT_LEAST:
        return None
    rates, losses = tuple(r for r, _ in finite), tuple(y for _, y in finite)
    x = [math.log10(rate) for rate in rates]
    first = fmean(losses[:FIRST])
    positive = min(losses) >= 0 < first
    top = CAP * first if positive else first + (CAP - 1) * abs(first - min(losses))
    y = [min(loss, top) for loss in losses]
    if positive:
        y = [math.log(max(loss, FLOOR * first)) for loss in y]
    fit = [local_line(x, y, at) for at in x]
    smooth = tuple(math.exp(value) if positive else value for value, _ in fit)
    low = min(range(len(fit)), key=lambda i: fit[i][0])
    begin = next((i for i, at in enumerate(x) if at >= x[0] + DECADES), 0)
    error = _error([a - b for a, (b, _) in zip(y, fit, strict=True)], x)
    if low <= begin or fmean(v for v, _ in fit[:FIRST]) - fit[low][0] < OUT_OF_NOISE * error:
        return Curve(rates, losses, smooth)
    # before, the fit has neighbours on one side only and its slope is noise
    steepest = min(range(begin, low + 1), key=lambda i: fit[i][1])
    return Curve(rates, losses, smooth, rates[steepest], rates[low], low == len(fit) - 1)


def local_line(x: Sequence[float], y: Sequence[float], at: float) -> tuple[float, float]:
    """Returns value and slope at a place, by a straight line fitted to the points around it.

    Source: Cleveland 1979, "Robust Locally Weighted Regression": tricube weights by distance,
    bisquare weights by residual.
    """
    near = [(a, b, (1 - (abs(a - at) / DECADES) ** 3) ** 3)
            for a, b in zip(x, y, strict=True) if abs(a - at) < DECADES]  # fmt: skip
    weights = [w for _, _, w in near]
    value, slope = 0.0, 0.0
    for round_ in range(ROBUST + 1):
        whole = sum(weights) or 1.0
        mx = sum(w * a for w, (a, _, _) in zip(weights, near, strict=True)) / whole
        my = sum(w * b for w, (_, b, _) in zip(weights, near, strict=True)) / whole
        spread = sum(w * (a - mx) ** 2 for w, (a, _, _) in zip(weights, near, strict=True))
        joint = sum(w * (a - mx) * b for w, (a, b, _) in zip(weights, near, strict=True))
        slope = joint / spread if spread > 0 else 0.0
        value = my + slope * (at - mx)
        if round_ == ROBUST:
            break
        rest = [b - value - slope * (a - at) for a, b, _ in near]
        scale = 6 * median(abs(r) for r in rest)
        if scale <= 0:
            break
        weights = [w * max(1 - (r / scale) ** 2, 0.0) ** 2
                   for (_, _, w), r in zip(near, rest, strict=True)]  # fmt: skip
    return value, slope


def _error(rest: Sequence[float], x: Sequence[float]) -> float:
    """Returns the standard error of a point of the smooth curve."""
    inside = sum(1 for at in x if at < x[0] + DECADES)
    return 1.4826 * median(abs(r) for r in rest) / math.sqrt(max(inside, 1))


def swept(training: Training) -> list[tuple[float, float]]:
    """Returns (rate, loss) of each step; the rate is that of the group with the largest one.

    A loss is paired with the rate of 1/(1 - beta) steps before: so long does it take on average
    until the optimizer's momentum has done what it does with a gradient.
    """
    groups = [training.series("learning_rate", p) for p in training.places("learning_rate")]
    known = [dict(group) for group in groups]
    back = min(round(1 / max(1 - momentum(training), 0.01)), training.steps // 4)
    return [
        (max(rates), loss)
        for step, loss in training.series("loss")
        if (rates := [group[step - back] for group in known if step - back in group])
    ]


def momentum(training: Training) -> float:
    """Returns how much of its last step an optimizer keeps: a heavy ball's beta, Adam's beta1."""
    settings = training.groups[0].settings if training.groups else {}
    betas = settings.get("betas")
    return float(betas[0] if betas else settings.get("momentum") or 0.0)


def rate_by_sharpness(training: Training) -> tuple[float, float, int] | None:
    """Returns the rate whose step without momentum is as long as the loss surface bears.

    Rate x sharpness is stable below 2 without momentum (Cohen et al. 2021). A heavy ball takes
    steps 1/(1 - beta) times as long as its rate says, so its rate is 2 (1 - beta) / sharpness:
    that it would stay stable up to 2 (1 + beta) makes such a rate bearable, not good. Adam averages
    its gradients and does not lengthen its step: 2 / sharpness, where it would stay stable up to
    2 (1 + beta1) / (1 - beta1). How near this comes to the best rate of a short training:
    benchmarks/range_test.md.

    Returns:
        Rate, sharpness, and the step at which it was measured; None if it was not, or for an
        optimizer without a known limit.
    """
    if not training.groups or not len(training.series("stability_limit")):
        return None
    found = [(s, value) for s, value in training.series("sharpness").finite() if value > 0]
    if not found:
        return None
    step, sharpness = next(((s, v) for s, v in found if s >= SETTLED), found[-1])
    settings = training.groups[0].settings
    ball = 0.0 if settings.get("betas") else momentum(training)
    damped = 1 - float(settings.get("dampening") or 0.0) if ball else 1.0
    return 2 * (1 - ball) / damped / sharpness, sharpness, step
