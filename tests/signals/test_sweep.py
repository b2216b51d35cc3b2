"""The curve of a range test, against the same formulas written with numpy."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from assay.signals.sweep import (
    CAP,
    DECADES,
    FLOOR,
    Curve,
    curve,
    local_line,
    momentum,
    rate_by_sharpness,
    swept,
)
from assay.testing.runs import make_training

Points = list[tuple[float, float]]


def fitted(x: np.ndarray, y: np.ndarray, at: float) -> tuple[float, float]:
    """Cleveland 1979: tricube weights, then twice bisquare weights of the residuals."""
    near = np.abs(x - at) < 0.3
    a, b = x[near], y[near]
    tricube = (1 - (np.abs(a - at) / 0.3) ** 3) ** 3
    weights = tricube
    for round_ in range(3):
        slope, value = np.polyfit(a - at, b, 1, w=np.sqrt(weights))
        if round_ == 2:
            break
        rest = b - value - slope * (a - at)
        scale = 6 * np.median(np.abs(rest))
        if scale <= 0:
            break
        weights = tricube * np.clip(1 - (rest / scale) ** 2, 0, None) ** 2
    return float(value), float(slope)


def expected(points: Points) -> Curve:
    rates = np.array([rate for rate, _ in points])
    losses = np.array([loss for _, loss in points])
    x, first = np.log10(rates), losses[:5].mean()
    logarithmic = losses.min() >= 0 and first > 0
    if logarithmic:
        y = np.log(np.clip(losses, 1e-3 * first, 2 * first))
    else:
        y = np.minimum(losses, first + abs(first - losses.min()))
    fits = [fitted(x, y, at) for at in x]
    values, slopes = np.array([v for v, _ in fits]), np.array([s for _, s in fits])
    smooth = np.exp(values) if logarithmic else values
    low, begin = int(values.argmin()), int(np.argmax(x >= x[0] + 0.3))
    inside = int((x < x[0] + 0.3).sum())
    error = 1.4826 * np.median(np.abs(y - values)) / math.sqrt(inside)
    found = Curve(tuple(rates), tuple(losses), tuple(smooth))
    if low <= begin or values[:5].mean() - values[low] < 4 * error:
        return found
    steepest = begin + int(slopes[begin : low + 1].argmin())
    return Curve(
        found.rates, found.losses, found.smooth,
        rates[steepest], rates[low], low == len(rates) - 1,
    )  # fmt: skip


def ladder(steps: int = 80, low: float = -4.0, high: float = 0.0) -> list[float]:
    return [10 ** (low + (high - low) * i / (steps - 1)) for i in range(steps)]


def noisy(
    shift: float, seed: int, noise: float = 0.1, fall: float = 2.0, end: float = 0.0
) -> Points:
    """Falls by `fall` around 1e-2 and explodes from 1e-`end` on."""
    dice = random.Random(seed)
    found = []
    for rate in ladder():
        x = math.log10(rate)
        loss = 0.3 + fall / (1 + math.exp(5 * (x + 2))) + math.exp(9 * (x + end)) * 0.2 + shift
        found.append((rate, loss + noise * dice.gauss(0, 1)))
    return found


CURVES: dict[str, Points] = {
    "positive": noisy(0.5, 0),
    "explodes": noisy(0.5, 1, end=0.7),
    "touches zero": [(r, 0.0 if i in (45, 47) else y) for i, (r, y) in enumerate(noisy(0.2, 2))],
    "below zero": noisy(-3.0, 3),
    "below zero, explodes": noisy(-3.0, 4, end=0.7),
    "crosses zero": noisy(-1.0, 5, end=0.7),
    "small numbers": [(r, 1e-3 * y) for r, y in noisy(0.5, 6, end=0.7)],
    "large numbers": [(r, 50 * y) for r, y in noisy(-1.0, 7, end=0.7)],
    "hardly falls": noisy(2.0, 8, noise=0.5, fall=0.25),
    "falls a little": noisy(2.0, 9, noise=0.3, fall=0.45),
    "rises": [
        (r, y) for (r, _), y in zip(noisy(0, 0), (1 + i / 50 for i in range(80)), strict=True)
    ],
    "still falls": [(r, y) for r, y in noisy(0.5, 10) if r < 10**-1.7],
    "falls at once": [(r, 5 * y) for r, y in noisy(0.1, 11) if r > 10**-2.4],
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_that_of_its_formulas(name: str) -> None:
    points = CURVES[name]
    found, right = curve(points), expected(points)
    assert found is not None
    assert found.rates == right.rates
    assert found.losses == right.losses
    assert found.smooth == pytest.approx(right.smooth, rel=1e-6, abs=1e-9)
    assert (found.steepest, found.lowest) == pytest.approx(
        (right.steepest, right.lowest), nan_ok=True
    )
    assert found.still_falling is right.still_falling


def test_the_curves_are_of_all_kinds() -> None:
    found = [expected(points) for points in CURVES.values()]
    assert any(math.isnan(each.lowest) for each in found)
    assert any(each.still_falling for each in found)
    assert sum(each.lowest > each.steepest for each in found) >= 4


def test_thirty_points_that_are_finite_make_a_curve() -> None:
    points = noisy(0.5, 0)[:30]
    assert curve(points) is not None
    assert curve(points[:29]) is None
    assert curve([*points[:29], (1.0, math.nan)]) is None
    assert curve([*points[:29], (0.0, 1.0)]) is None
    assert curve([*points, (1.0, math.inf), (0.0, 1.0)]) == curve(points)


def test_the_suggestion_lies_halfway() -> None:
    found = Curve((), (), (), steepest=1e-4, lowest=1e-2)
    assert found.suggestion == pytest.approx(1e-3)
    assert not found.still_falling


def test_the_limits() -> None:
    assert (DECADES, CAP, FLOOR) == (0.3, 2.0, 1e-3)


def test_a_line_through_points_on_a_line_is_that_line() -> None:
    x = [i / 50 for i in range(40)]
    assert local_line(x, [3 + 2 * a for a in x], 0.4) == pytest.approx((3.8, 2.0))


def test_a_point_alone_has_its_value_and_no_slope() -> None:
    assert local_line([0.0, 5.0], [7.0, 9.0], 5.0) == (9.0, 0.0)


def test_a_point_just_outside_does_not_count() -> None:
    x, y = [0.0, 0.1, 0.2, 0.5], [1.0, 1.5, 1.2, 900.0]
    assert local_line(x, y, 0.2) == pytest.approx(local_line(x[:3], y[:3], 0.2))


# -- pairs of rate and loss ----------------------------------------------------------------------


def test_the_largest_rate_of_all_groups_counts() -> None:
    training = make_training(
        learning_rate={"group 0": [1.0, 2.0, 3.0, 4.0, 5.0], "group 1": [9.0, 1.0, 1.0, 8.0, 1.0]},
        loss=[10.0, 11.0, 12.0, 13.0, 14.0],
        groups=[{}, {}],
    )
    assert swept(training) == [(9.0, 11.0), (2.0, 12.0), (3.0, 13.0), (8.0, 14.0)]


def test_momentum_looks_back_by_a_quarter_of_the_run_at_most() -> None:
    rates, losses = [float(i) for i in range(13)], [float(i) for i in range(13)]
    training = make_training(
        learning_rate={"group 0": rates}, loss=losses, groups=[{"momentum": 0.9}]
    )
    assert swept(training)[0] == (0.0, 3.0)
    always = make_training(
        learning_rate={"group 0": rates * 40}, loss=losses * 40, groups=[{"momentum": 1.0}]
    )
    assert len(swept(always)) == 520 - 100


@pytest.mark.parametrize(
    ("settings", "beta"),
    [({}, 0.0), ({"momentum": 0.9}, 0.9), ({"betas": [0.8, 0.99], "momentum": 0.9}, 0.8),
     ({"momentum": None}, 0.0), ({"betas": None, "momentum": 0.5}, 0.5)],
)  # fmt: skip
def test_what_is_kept_of_a_step(settings: dict[str, object], beta: float) -> None:
    assert momentum(make_training(groups=[settings])) == beta
    assert momentum(make_training(groups=[])) == 0.0


# -- by sharpness --------------------------------------------------------------------------------


def sharp(settings: dict[str, object], sharpness: dict[int, float]) -> object:
    return make_training(
        groups=[settings], sharpness=sharpness, stability_limit=dict.fromkeys(sharpness, 2.0)
    )


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ({}, 0.5),
        ({"momentum": 0.9}, 0.05),
        ({"momentum": 0.9, "dampening": 0.5}, 0.1),
        ({"dampening": 0.5}, 0.5),
        ({"betas": [0.9, 0.99]}, 0.5),
    ],
)
def test_the_rate_that_the_surface_bears(settings: dict[str, object], rate: float) -> None:
    assert rate_by_sharpness(sharp(settings, {26: 4.0})) == (pytest.approx(rate), 4.0, 26)


def test_the_first_settled_measurement_counts_else_the_last() -> None:
    found = rate_by_sharpness(sharp({}, {0: 100.0, 25: 50.0, 26: 4.0, 60: 8.0}))
    assert found == (0.5, 4.0, 26)
    assert rate_by_sharpness(sharp({}, {0: 100.0, 25: 50.0})) == (0.04, 50.0, 25)
    assert rate_by_sharpness(sharp({}, {0: 0.5, 26: 0.0, 30: -3.0, 31: math.nan})) == (4.0, 0.5, 0)


def test_without_sharpness_or_limit_there_is_none() -> None:
    assert rate_by_sharpness(sharp({}, {26: -1.0})) is None
    assert rate_by_sharpness(make_training(groups=[{}], sharpness={26: 1.0})) is None
    assert (
        rate_by_sharpness(make_training(groups=[], sharpness={26: 1.0}, stability_limit={26: 2.0}))
        is None
    )
