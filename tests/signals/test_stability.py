"""How near steps come to what the loss surface allows: with invented series."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from assay.signals.stability import (
    constant_rate,
    first_stress,
    peak_stress,
    raised_by_steps,
    worst_of_first,
)
from assay.testing.runs import make_training


def rated(rates: list[float], products: dict[int, float], limits: dict[int, float]) -> object:
    return make_training(
        learning_rate={"group 0": rates}, rate_times_sharpness=products, stability_limit=limits
    )


def test_the_first_stress_is_the_first_that_is_finite() -> None:
    training = rated([0.1], {0: math.nan, 3: 1.5, 9: 7.0}, {0: math.inf, 3: 2.0, 9: 38.0})
    assert first_stress(training) == (1.5, 2.0)
    assert first_stress(rated([0.1], {0: 1.0}, {})) is None
    assert first_stress(rated([0.1], {}, {0: 1.0})) is None


def test_the_peak_is_scaled_to_the_largest_rate() -> None:
    training = rated([0.1, 0.2, 0.4, 0.1], {1: 1.0, 3: 0.6}, {1: 2.0, 3: 2.0})
    assert peak_stress(training) == pytest.approx(max(1.0 / 2 * 0.4 / 0.2, 0.6 / 2 * 0.4 / 0.1))
    early = rated([0.4, 0.1], {0: 1.6, 1: 0.1}, {0: 2.0, 1: 2.0})
    assert peak_stress(early) == pytest.approx(0.8)
    low = rated([0.1, 0.2, 0.4, 0.1], {1: 1.0, 3: 0.2}, {1: 2.0, 3: 2.0})
    assert peak_stress(low) == pytest.approx(1.0)


def test_a_measurement_without_rate_or_limit_has_no_share() -> None:
    assert peak_stress(rated([0.0, 0.2], {0: 9.0, 1: 1.0}, {0: 2.0, 1: 2.0})) == pytest.approx(0.5)
    assert peak_stress(rated([0.2, 0.2], {0: 9.0, 1: 1.0}, {0: 0.0, 1: 2.0})) == pytest.approx(0.5)
    assert peak_stress(rated([0.2, 0.2], {0: 9.0, 1: 1.0}, {1: 2.0})) == pytest.approx(0.5)
    assert peak_stress(rated([0.2], {}, {})) is None
    assert peak_stress(rated([], {0: 1.0}, {0: 2.0})) is None


@pytest.mark.parametrize(
    ("rates", "constant"),
    [([0.2, 0.3], True), ([0.2, 0.31], False), ([0.3, 0.1], False), ([0.1], True), ([], True)],
)
def test_a_rate_is_constant_within_half_of_itself(rates: list[float], constant: bool) -> None:
    rates = [10 * rate for rate in rates]
    assert constant_rate(make_training(learning_rate={"group 0": rates})) is constant


def test_the_worst_of_the_first_steps() -> None:
    training = make_training(step_quality={0: 0.9, 1: -math.inf, 3: 0.4, 4: -5.0})
    assert worst_of_first(training, 4) == 0.4
    assert worst_of_first(training, 5) == -5.0
    assert worst_of_first(make_training(step_quality={0: -2.0, 1: 0.5}), 2) == -2.0
    assert worst_of_first(training, 0) == math.inf


@pytest.mark.parametrize(
    ("measured", "raised"),
    [(range(5), True), (range(6), False), ((*range(5), 16), False), ((*range(5), 17), True)],
)
def test_a_loss_that_no_measured_step_raised(measured: Iterable[int], raised: bool) -> None:
    """Steps 0 to 16 come before it and with it: a third of them are six at least."""
    losses = [1.0] * 16 + [5.0] + [1.0] * 8
    training = make_training(loss=losses, step_quality=dict.fromkeys(measured, 0.5))
    assert raised_by_steps(training, 5.0) is raised


def test_a_loss_that_a_step_before_it_raised() -> None:
    for step, raised in ((16, True), (17, False)):
        quality = {at: -0.1 if at == step else 0.5 for at in (*range(8), 16, 17)}
        training = make_training(loss=[1.0] * 16 + [5.0, 1.0], step_quality=quality)
        assert raised_by_steps(training, 5.0) is raised
