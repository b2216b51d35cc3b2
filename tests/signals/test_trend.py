"""The trend of a noisy series, against sums written out."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from assay.journal.series import Series
from assay.signals.trend import MAD_TO_SD, Trend, line, noise, trend


def series(values: list[float]) -> Series:
    return Series(enumerate(values))


def test_a_straight_line_has_its_slope_and_no_error() -> None:
    assert line([1.0, 3.0, 5.0, 7.0]) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-12))
    assert line([7.0, 5.0, 3.0]) == (pytest.approx(-2.0), pytest.approx(0.0, abs=1e-12))


def test_two_points_tell_nothing_of_the_error() -> None:
    assert line([1.0, 2.0]) == (0.0, math.inf)
    assert line([]) == (0.0, math.inf)
    assert line([1.0, 2.0, 3.0])[1] == pytest.approx(0.0, abs=1e-12)


def test_slope_and_error_of_least_squares() -> None:
    values = [0.0, 2.0, 1.0, 3.0, 2.0]  # neighbours of the residuals differ: no widening
    slope, error = line(values)
    x = [0, 1, 2, 3, 4]
    mean = sum(values) / 5
    expected = sum((a - 2) * (v - mean) for a, v in zip(x, values, strict=True)) / 10
    rest = [v - mean - expected * (a - 2) for a, v in zip(x, values, strict=True)]
    assert slope == pytest.approx(expected) == pytest.approx(0.5)
    assert error == pytest.approx(math.sqrt(sum(r * r for r in rest) / 3 / 10))


def test_the_error_widens_for_neighbours_that_move_together() -> None:
    values = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    slope, error = line(values)
    assert slope == pytest.approx(0.0)
    mean = 3 / 9
    rest = [v - mean for v in values]
    total = sum(r * r for r in rest)
    shared = sum(a * b for a, b in pairwise(rest)) / total
    plain = math.sqrt(total / 7 / (9 * 80 / 12))
    assert 0 < shared < 0.95
    assert error == pytest.approx(plain * math.sqrt((1 + shared) / (1 - shared)))


def test_the_widening_is_bounded() -> None:
    values = [math.sin(i / 200) for i in range(2000)]
    _, error = line(values)
    slope, _ = line(values)
    mean = sum(values) / 2000
    rest = [v - mean - slope * (i - 999.5) for i, v in enumerate(values)]
    plain = math.sqrt(sum(r * r for r in rest) / 1998 / (2000 * (2000**2 - 1) / 12))
    assert error == pytest.approx(plain * math.sqrt(1.95 / 0.05))


def test_noise_is_that_from_one_value_to_the_next() -> None:
    assert noise([1.0, 2.0]) == 0.0
    assert noise([1.0, 2.0, 3.0]) == 0.0  # a trend is no noise
    assert noise([0.0, 1.0, 4.0]) == pytest.approx(MAD_TO_SD / math.sqrt(2))
    values = [0.0, 1.0, 3.0, 3.0, 8.0]  # steps 1, 2, 0, 5: median 1.5, deviations .5 .5 1.5 3.5
    assert noise(values) == pytest.approx(MAD_TO_SD * 1.0 / math.sqrt(2))
    dice = random.Random(0)
    assert noise([dice.gauss(5, 2) for _ in range(4000)]) == pytest.approx(2, rel=0.1)


def test_the_factor_is_that_of_a_normal_distribution() -> None:
    assert pytest.approx(1 / 0.674490, rel=1e-4) == MAD_TO_SD


def test_a_trend_needs_twelve_finite_samples() -> None:
    assert trend(series([1.0] * 11 + [math.nan])) is None
    found = trend(series([1.0] * 12))
    assert found == Trend(begin=1.0, end=1.0, fall=0.0, fall_error=0.0, noise=0.0, samples=12)


def test_begin_end_fall_and_error_are_those_of_its_parts() -> None:
    values = [100.0, 98.0, *(float(50 - 3 * i + (i % 3)) for i in range(18))]
    found = trend(series([*values[:5], math.inf, *values[5:]]))
    assert found is not None
    assert found.samples == 20
    assert found.begin == pytest.approx(99.0)  # the first tenth
    assert found.end == pytest.approx(sum(values[-5:]) / 5)  # the last quarter
    slope, error = line(values[10:])
    assert found.fall == pytest.approx(-slope * 10)
    assert found.fall > 0
    assert found.fall_error == pytest.approx(error * 10)
    assert found.noise == noise(values)


def test_of_fewer_than_twenty_samples_the_first_alone_is_the_begin() -> None:
    found = trend(series([float(20 - i) for i in range(13)]))
    assert found is not None
    assert found.begin == 20.0
    assert found.end == pytest.approx((10 + 9 + 8) / 3)


@pytest.mark.parametrize(("fall", "falls"), [(2.1, True), (2.0, False), (-3.0, False)])
def test_it_falls_beyond_its_error(fall: float, falls: bool) -> None:
    found = Trend(begin=1, end=1, fall=fall, fall_error=1.0, noise=0, samples=20)
    assert found.falls() is falls
    assert found.falls(errors=1.0) is (fall > 1)
