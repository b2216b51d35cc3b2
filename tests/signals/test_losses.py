"""What a loss is compared with, and how its labels lie: with invented series."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.journal.view import Event
from assay.signals.constant import constant_loss
from assay.signals.labels import clumping, entropy, several_a_sample
from assay.signals.objective import alone, leads, only_loss, training_of, warming_up
from assay.testing.runs import make_run, make_training

PLACE = "loss (train.py:9)"


def call(
    fn: str = "cross_entropy", shape: Any = (8, 3), dtype: str = "int64", **data: Any
) -> Event[Any]:
    return Event(
        "loss_call",
        0,
        {
            "fn": fn,
            "place": PLACE,
            "input": {"shape": list(shape), "dtype": "float32"},
            "target": {"shape": [shape[0]] if shape else [], "dtype": dtype},
            "reduction": "mean",
            **data,
        },
    )


# -- the loss of a constant ----------------------------------------------------------------------


def numbers(means: list[float], spreads: list[float]) -> Any:
    return make_training(target_mean={PLACE: means}, target_std={PLACE: spreads})


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        ("mse_loss", 0.29),
        ("l1_loss", math.sqrt(0.29)),
        ("smooth_l1_loss", 0.29),
        ("huber_loss", 0.145),
        ("poisson_nll_loss", None),
    ],
)
def test_of_numbers_it_is_their_variance(fn: str, expected: float | None) -> None:
    """Within batches (0.3^2 + 0.5^2) / 2 = 0.17, between them ((0.2)^2 + ...) / 2 = 0.12 in all."""
    between = math.sqrt(0.12)
    training = numbers([1 - between, 1 + between, math.nan], [0.3, 0.5, math.inf])
    found = constant_loss(training, call(fn, dtype="float32"))
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_spread_above_one_bounds_the_smooth_loss_by_its_root() -> None:
    training = numbers([0.0, 0.0], [4.0, 4.0])
    assert constant_loss(training, call("smooth_l1_loss", dtype="float32")) == pytest.approx(4.0)


def test_targets_that_do_not_vary_have_none() -> None:
    assert constant_loss(numbers([2.0, 2.0], [0.0, 0.0]), call("mse_loss")) is None


@pytest.mark.parametrize(
    ("means", "spreads"), [([], []), ([1.0], []), ([math.nan], [1.0]), ([], [1.0])]
)
def test_targets_that_were_not_seen_have_none(means: list[float], spreads: list[float]) -> None:
    assert constant_loss(numbers(means, spreads), call("mse_loss")) is None


@pytest.mark.parametrize("fn", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_of_bits_it_is_their_entropy(fn: str) -> None:
    found = constant_loss(numbers([0.1, 0.3], [0.3, 0.4]), call(fn))
    assert found == pytest.approx(-(0.2 * math.log(0.2) + 0.8 * math.log(0.8)))
    assert constant_loss(numbers([0.0], [0.0]), call(fn)) is None
    assert constant_loss(numbers([1.0], [0.0]), call(fn)) is None


def labels(*counts: list[float]) -> Any:
    return make_training(label_count={str(c): list(row) for c, row in enumerate(counts)})


@pytest.mark.parametrize("fn", ["cross_entropy", "nll_loss"])
def test_of_classes_it_is_the_entropy_of_all_labels_seen(fn: str) -> None:
    training = labels([4.0, 2.0], [2.0, 0.0], [0.0, 0.0])
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert constant_loss(training, call(fn)) == pytest.approx(expected)


def test_smoothing_spreads_the_labels() -> None:
    training = labels([6.0], [2.0], [0.0])
    shares = [0.7 * 0.75 + 0.1, 0.7 * 0.25 + 0.1, 0.1]
    expected = -sum(p * math.log(p) for p in shares)
    assert constant_loss(training, call(label_smoothing=0.3)) == pytest.approx(expected)


def test_one_class_alone_has_none() -> None:
    assert constant_loss(labels([6.0], [0.0], [0.0]), call()) is None


def test_where_labels_were_not_counted_it_is_that_of_chance() -> None:
    assert constant_loss(make_training(loss=[1.0]), call()) == pytest.approx(math.log(3))
    assert constant_loss(labels([6.0], [2.0], [1.0]), call(shape=(8, 3, 5))) == math.log(3)
    many = make_training(label_count={str(c): [1.0 + (c == 0)] for c in range(65)})
    assert constant_loss(many, call(shape=(8, 65))) == pytest.approx(math.log(65))
    most = constant_loss(many, call(shape=(8, 64)))
    assert most is not None
    assert most < math.log(64)
    assert constant_loss(make_training(loss=[1.0]), call(shape=(8, 1))) is None
    assert constant_loss(make_training(loss=[1.0]), call(shape=(8, 2))) == math.log(2)


def test_a_distribution_as_target_has_none() -> None:
    assert constant_loss(labels([6.0], [2.0], [1.0]), call(dtype="float32")) is None
    assert constant_loss(labels([6.0], [2.0], [1.0]), call(shape=(8,))) is None
    assert constant_loss(labels([6.0], [2.0], [1.0]), call(target=None)) is None


# -- labels --------------------------------------------------------------------------------------


def test_entropy_of_counts() -> None:
    assert entropy([3.0, 1.0]) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert entropy([5.0, 0.0]) == 0.0
    assert entropy([0.0, 0.0]) == 0.0
    assert entropy([0.5, 0.5]) == pytest.approx(math.log(2))


def test_clumping_is_one_for_one_class_a_batch() -> None:
    assert clumping([[8.0, 0.0], [0.0, 8.0], [8.0, 0.0], [0.0, 8.0]]) == pytest.approx(1.0)


def test_clumping_from_the_chi_squared_statistic() -> None:
    """Two batches of 4: expected 2 and 2; chi2 = 4 * (1/2) = 2, one degree of freedom, size 4."""
    assert clumping([[3.0, 1.0], [1.0, 3.0]]) == pytest.approx((2 / 1 - 1) / (4 - 1))
    assert clumping([[2.0, 2.0], [2.0, 2.0]]) == pytest.approx(-1 / 3)
    # three batches and classes, unequal: worked out by the definition
    batches = [[3.0, 1.0, 1.0], [0.0, 4.0, 1.0], [1.0, 1.0, 6.0]]
    totals, whole = [4, 6, 8], 18
    chi2 = sum(
        (batch[i] - sum(batch) * totals[i] / whole) ** 2 / (sum(batch) * totals[i] / whole)
        for batch in batches
        for i in range(3)
    )
    assert clumping(batches) == pytest.approx((chi2 / 4 - 1) / (6 - 1))


def test_a_class_that_never_occurs_and_batches_of_one_do_not_count() -> None:
    plain = clumping([[3.0, 1.0], [1.0, 3.0]])
    assert clumping([[3.0, 0.0, 1.0], [1.0, 0.0, 3.0]]) == pytest.approx(plain)
    assert clumping([[3.0, 1.0], [1.0, 3.0], [1.0, 0.0], [0.0, 0.0]]) == pytest.approx(plain)
    assert clumping([[1.0, 1.0], [1.0, 1.0]]) == pytest.approx(-1.0)


def test_clumping_needs_two_batches_and_two_classes() -> None:
    assert math.isnan(clumping([]))
    assert math.isnan(clumping([[3.0, 1.0]]))
    assert math.isnan(clumping([[3.0], [3.0]]))
    assert math.isnan(clumping([[3.0, 0.0], [3.0, 0.0]]))


def test_several_labels_a_sample() -> None:
    def run(given: list[list[int]], compared: list[list[int]]) -> Any:
        inputs = [
            Event("input", 0, {"place": "input 0", "shape": s, "dtype": "float32"}) for s in given
        ]
        return make_run(loss=[1.0], events=[*inputs, *(call(shape=s) for s in compared)])

    assert several_a_sample(run([[8, 4]], [[80, 3]]))
    assert several_a_sample(run([[8, 4], [4, 4]], [[4, 3], [9, 3]]))
    assert not several_a_sample(run([[8, 4]], [[8, 3]]))
    assert not several_a_sample(run([[8, 4], [16, 4]], [[16, 3], [4, 3]]))
    assert not several_a_sample(run([], [[80, 3]]))
    assert not several_a_sample(run([[8, 4]], []))
    assert not several_a_sample(run([[], [8, 4]], [[], [8, 3]]))


# -- what is minimised ---------------------------------------------------------------------------


def followed(values: Any, losses: Any, **data: Any) -> Any:
    run = make_run(loss=losses, loss_call_value={PLACE: values}, events=[call(**data)])
    return only_loss(run, run.trainings[0])


def test_the_one_loss_is_found() -> None:
    found = followed([1.0, 2.0, math.nan], [1.0, 2.0, 3.0])
    assert found is not None
    assert found.data["place"] == PLACE


def test_a_tenth_of_difference_is_borne_on_average() -> None:
    assert followed([1.0, 1.0], [1.05, 1.1]) is not None
    assert followed([1.0, 1.0], [1.2, 1.2]) is None
    assert followed([1.0, 1.0], [0.8, 0.8]) is None


def test_only_steps_where_both_are_finite_are_compared() -> None:
    assert followed({0: 1.0, 5: 90.0}, {0: 1.0, 1: 50.0}) is not None
    assert followed({0: 1.0}, {1: 1.0}) is None
    assert followed([math.inf], [math.inf]) is None
    assert followed([], []) is None


def test_weighted_summed_and_several_losses_are_not_compared() -> None:
    assert followed([1.0], [1.0], weighted=True) is None
    assert followed([1.0], [1.0], weighted=False) is not None
    assert followed([1.0], [1.0], reduction="sum") is None
    other = call()
    other.data["place"] = "loss (train.py:10)"
    run = make_run(loss=[1.0], loss_call_value={PLACE: [1.0]}, events=[call(), other])
    assert only_loss(run, run.trainings[0]) is None
    other.data["in_graph"] = False  # looked at, not followed
    assert only_loss(run, run.trainings[0]) is not None


def test_alone_are_trainings_without_another_in_their_process() -> None:
    first = make_training(index=0, loss=[1.0])
    idle = make_training(index=1, steps=0)
    other = make_training(index=2, loss=[1.0], process=1)
    assert alone(make_run(first, idle, other), first)
    assert alone(make_run(first, idle, other), other)
    assert not alone(make_run(first, make_training(index=1, loss=[1.0])), first)


def test_of_optimizers_that_step_on_the_same_losses_the_first_leads() -> None:
    encoder = make_training(index=0, loss=[2.0, 1.0])
    decoder = make_training(index=1, loss=[2.0, 1.0])
    player = make_training(index=2, loss=[2.0, 1.5])
    assert leads(make_run(encoder), encoder)
    assert leads(make_run(encoder, decoder), encoder)
    assert not leads(make_run(encoder, decoder), decoder)
    assert not leads(make_run(encoder, player), encoder)
    silent = [make_training(index=i, steps=2) for i in range(2)]
    assert not leads(make_run(*silent), silent[0]), "no losses are no same losses"


def test_the_training_of_a_call_is_the_one_that_measured_it() -> None:
    first = make_training(index=0, loss=[1.0], loss_call_value={PLACE: [1.0]})
    second = make_training(index=1, loss=[1.0])
    elsewhere = make_training(index=2, loss=[1.0], loss_call_value={PLACE: [1.0]}, process=1)
    assert training_of(make_run(first, second, elsewhere), call()) is first
    assert training_of(make_run(second, elsewhere), call()) is None
    both = make_training(index=1, loss=[1.0], loss_call_value={PLACE: [1.0]})
    assert training_of(make_run(first, both), call()) is None
    idle = make_training(index=1, steps=0, loss_call_value={PLACE: [1.0]})
    assert training_of(make_run(first, idle), call()) is first


@pytest.mark.parametrize(
    ("rates", "rising"),
    [
        ([0.1, 0.2, 0.3], True),
        ([0.1, 0.3, 0.2], False),
        ([0.1, 0.2], False),  # not yet more than twice
        ([0.1, 0.21], True),
        ([0.3], False),
        ([], False),
    ],
)
def test_warming_up_is_a_rate_that_has_doubled_and_stands_at_its_top(
    rates: list[float], rising: bool
) -> None:
    assert warming_up(make_training(learning_rate={"group 0": rates})) is rising
