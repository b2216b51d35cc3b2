"""Ratios of norms, gradients by depth, update ratios, onsets: with invented series."""

from __future__ import annotations

import math

import pytest

from assay.journal.series import Series
from assay.journal.view import Evaluation, Module, Parameter
from assay.signals.evaluations import held_out_loss, main_evaluations
from assay.signals.onset import onset
from assay.signals.ratios import (
    grad_rms,
    ratio,
    rising_share,
    rms_by_depth,
    typical,
    update_ratio,
    weight_matrices,
)
from assay.signals.update_ratio import update_ratios
from assay.testing.runs import make_run, make_training


def test_a_quotient_where_both_were_measured() -> None:
    above, below = (
        Series({0: 6.0, 1: 4.0, 2: 9.0, 4: 1.0}.items()),
        Series({0: 2.0, 1: 0.0, 2: -3.0}.items()),
    )
    assert list(ratio(above, below)) == [(0, 3.0), (2, -3.0)]


def test_the_update_ratio_of_one_parameter() -> None:
    training = make_training(update_norm={"w": [1.0, 2.0]}, weight_norm={"w": [4.0, 5.0]})
    assert list(update_ratio(training, "w")) == [(0, 0.25), (1, 0.4)]
    assert len(update_ratio(training, "v")) == 0


def test_update_ratios_of_all_parameters() -> None:
    training = make_training(
        update_norm={"a": [1.0, 2.0], "b": {0: 3.0, 2: 4.0}, "c": [1.0], "d": [1.0]},
        weight_norm={"a": [2.0, 8.0], "b": {1: 1.0, 2: 2.0}, "c": [0.0], "e": [1.0]},
    )
    found = {place: list(series) for place, series in update_ratios(training).items()}
    assert found == {"a": [(0, 0.5), (1, 0.25)], "b": [(2, 2.0)]}
    assert update_ratios(make_training(loss=[1.0])) == {}


def test_a_negative_or_missing_length_has_no_ratio() -> None:
    training = make_training(
        update_norm={"a": [1.0, 1.0, 1.0]}, weight_norm={"a": [0.0, math.nan, 0.5]}
    )
    assert list(update_ratios(training)["a"]) == [(2, 2.0)]


PARAMETERS = [
    Parameter("words.weight", (10, 4)),
    Parameter("first.weight", (4, 9)),
    Parameter("first.bias", (4,)),
    Parameter("frozen.weight", (4, 4)),
    Parameter("last.weight", (4, 4)),
]
MODULES = [Module("words", "EmbeddingBag"), Module("first", "Linear"), Module("last", "Linear")]


def test_matrices_with_a_gradient_but_no_embeddings() -> None:
    norms = {
        name: [6.0, math.nan, 12.0, 600.0]
        for name in ("words.weight", "first.weight", "first.bias")
    }
    run = make_run(
        grad_norm={**norms, "last.weight": [math.nan]}, parameters=PARAMETERS, modules=MODULES
    )
    (training,) = run.trainings
    assert [p.name for p in weight_matrices(run, training)] == ["first.weight", "last.weight"]
    rms = grad_rms(training, PARAMETERS[1])
    assert [value for _, value in rms if value == value] == [1.0, 2.0, 100.0]  # 36 elements
    assert rms_by_depth(run, training) == [(PARAMETERS[1], 2.0)]


def test_what_is_typical_is_the_median_of_what_is_finite() -> None:
    assert typical(Series(enumerate([1.0, math.inf, 50.0, 3.0]))) == 3.0
    assert math.isnan(typical(Series()))


@pytest.mark.parametrize(
    ("values", "share"),
    [([1, 2, 3], 1.0), ([3, 2, 1], 0.0), ([1, 3, 2], 2 / 3), ([1, 1], 0.0), ([2, 1, 3, 4], 5 / 6)],
)
def test_the_share_of_pairs_that_rise(values: list[float], share: float) -> None:
    assert rising_share(values) == pytest.approx(share)


def test_one_value_has_no_order() -> None:
    assert math.isnan(rising_share([1.0]))


def test_an_onset_lies_between_two_samples() -> None:
    found = Series({3: 0.0, 5: 0.0, 9: 2.0, 12: 0.0}.items())
    assert onset(found, lambda value: value > 1) == (6, 9)
    assert onset(found, lambda value: value < 1) == (0, 3)
    assert onset(found, lambda value: value > 5) == (0, 12)
    assert onset(Series(), lambda value: True) == (0, 0)


def test_the_evaluations_of_the_function_used_most() -> None:
    one = [Evaluation(step, "mse_loss", 1.0, None, 4) for step in (0, 1)]
    two = [Evaluation(step, "cross_entropy", 1.0, 0.5, 4) for step in (0, 1, 2)]
    first = make_training(index=0, evaluations=[*one, two[0]], loss=[1.0])
    second = make_training(index=1, evaluations=two[1:], loss=[1.0])
    assert main_evaluations([first, second]) == two
    assert main_evaluations([first]) == one
    assert main_evaluations([]) == []
    assert list(held_out_loss(first)) == [(0, 1.0), (1, 1.0)]
    assert list(held_out_loss(second).steps) == [1, 2]
    assert len(held_out_loss(make_training(loss=[1.0]))) == 0


def test_an_evaluation_that_is_not_a_number_is_a_value_of_its_signal() -> None:
    held = [Evaluation(4, "cross_entropy", None, 0.5, 4), Evaluation(9, "mse_loss", 2.0, None, 4)]
    training = make_training(evaluations=held, loss=[1.0])
    assert training.evaluations == held
    (found,) = training.series("evaluation_loss", "cross_entropy").values
    assert math.isnan(found)
    assert list(training.series("evaluation_accuracy", "cross_entropy")) == [(4, 0.5)]
    assert training.places("evaluation_accuracy") == ("cross_entropy",)
