"""Where two trainings part, from invented series."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.comparison import Stage, compare
from assay.comparison.course import digits, part
from assay.journal.view import Evaluation, Parameter, RunView
from assay.testing.runs import make_run, make_training

NINE = 0.123456789
LOSS = [NINE / (step + 1) for step in range(10)]
PRINTS = dict.fromkeys(range(0, 10, 3), 7.0)


def training(**other: Any) -> Any:
    known: dict[str, Any] = {
        "loss": LOSS,
        "learning_rate": {"group 0": {0: 0.1}},
        "weight_fingerprint": {"": PRINTS, "0.weight": {0: 1.0}, "0.bias": {0: 2.0}},
        "input_mean": {"input 0": {0: 0.5, 3: 0.6, 6: 0.5, 9: 0.6}},
        "input_std": {"input 0": dict.fromkeys(range(0, 10, 3), 1.0)},
        "grad_norm": {"": dict.fromkeys(range(0, 10, 3), 2.0)},
    }
    return make_training(**{**known, **other})


def changed(series: Any, step: int, value: float) -> list[float]:
    return [value if at == step else old for at, old in enumerate(series)]


def test_alike() -> None:
    assert part(0, training(), training()) is None


def test_nan_is_like_nan() -> None:
    loss = changed(LOSS, 5, math.nan)
    assert part(0, training(loss=loss), training(loss=loss)) is None
    assert part(0, training(loss=loss), training()).step == 5  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("other", "step", "stage"),
    [
        ({"loss": changed(LOSS, 4, NINE / 5 * (1 + 2e-8))}, 4, Stage.LOSS),
        ({"weight_fingerprint": {"": {**PRINTS, 3: 8.0}}}, 3, Stage.WEIGHTS),
        ({"input_mean": {"input 0": {0: 0.5, 3: 0.601}}}, 3, Stage.BATCH),
        ({"learning_rate": {"group 0": {0: 0.1, 5: 0.05}}}, 5, Stage.RATE),
        ({"grad_norm": {"": {0: 2.0, 3: 2.001}}}, 3, Stage.GRADIENT),
        ({"loss": LOSS[:8], "steps": 8}, 8, Stage.LENGTH),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value),
)
def test_the_first_that_differs(other: dict[str, Any], step: int, stage: Stage) -> None:
    found = part(0, training(), training(**other))
    assert found is not None
    assert (found.step, found.stage) == (step, stage)


def test_the_cause_within_a_step_comes_first() -> None:
    """Weights decide on the loss, and a batch on both it and the gradient."""
    loss = changed(LOSS, 3, 1.0)
    prints = {"": {**PRINTS, 3: 8.0}}
    found = part(0, training(), training(loss=loss, weight_fingerprint=prints))
    assert found is not None
    assert found.stage is Stage.WEIGHTS
    assert found.first_other == ""
    batch = {"input 0": {0: 0.5, 3: 0.7}}
    found = part(0, training(), training(loss=loss, input_mean=batch))
    assert found is not None
    assert found.stage is Stage.BATCH


def test_the_first_weight_that_differs_is_named() -> None:
    prints = {"": {0: 8.0}, "0.weight": {0: 1.0}, "0.bias": {0: 3.0}}
    found = part(0, training(), training(weight_fingerprint=prints))
    assert found is not None
    assert (found.step, found.stage, found.first_other) == (0, Stage.WEIGHTS, "0.bias")


def test_a_sum_in_another_order_is_the_same_batch() -> None:
    """Another number of threads changes the last digits of a mean, not the batch."""
    other = {"input 0": {0: 0.5 + 2e-7, 3: 0.6, 6: 0.5, 9: 0.6}}
    assert part(0, training(), training(input_mean=other)) is None


def test_what_was_seen_of_that_step() -> None:
    found = part(0, training(), training(loss=changed(LOSS, 6, 1.0)))
    assert found is not None
    assert {seen.stage for seen in found.seen if seen.step == 6 and seen.alike} >= {
        Stage.WEIGHTS, Stage.BATCH
    }  # fmt: skip
    assert found.possible == {Stage.LOSS}
    assert not found.near


def test_a_step_that_was_not_sampled_may_hide_the_cause() -> None:
    one = {"input 0": {0: 0.5}}
    other = training(loss=changed(LOSS, 4, 1.0), input_mean=one)
    found = part(0, training(input_mean=one), other)
    assert found is not None
    assert found.at(Stage.WEIGHTS).step == 3  # type: ignore[union-attr]
    assert found.possible == {Stage.LOSS, Stage.GRADIENT, Stage.UPDATE, Stage.BATCH, Stage.TARGETS}


def test_batches_that_are_alike_all_along_rule_data_out() -> None:
    found = part(0, training(), training(loss=changed(LOSS, 4, 1.0)))
    assert found is not None
    assert found.batches == (4, 4)
    assert Stage.BATCH not in found.possible


def test_an_evaluation_alone() -> None:
    runs = [
        training(evaluations=[Evaluation(9, "cross_entropy", value, None, 10)])
        for value in (0.5, 0.6)
    ]
    found = part(0, *runs)
    assert found is not None
    assert (found.stage, found.step) == (Stage.EVALUATION, 9)


def test_an_earlier_version_wrote_seven_digits() -> None:
    short = training(loss=[float(f"{value:.7g}") for value in LOSS])
    assert digits(short, training()) == 7
    assert part(0, short, training()) is None
    assert digits(training(), training()) == 9


def test_a_signal_that_one_run_lacks_is_not_compared() -> None:
    other = training()
    del other.signals["weight_fingerprint"], other.signals["input_mean"]
    assert part(0, training(), other) is None


def test_the_pair_that_parts_first() -> None:
    def run(*losses: list[float]) -> RunView:
        made = [make_training(index=i, loss=loss) for i, loss in enumerate(losses)]
        return make_run(*made)

    found = compare(run(LOSS, LOSS), run(changed(LOSS, 7, 1.0), changed(LOSS, 2, 1.0)))
    assert found.parting is not None
    assert (found.parting.training, found.parting.step) == (1, 2)
    uneven = compare(run(LOSS), run(LOSS, LOSS))
    assert uneven.parting is None
    assert "A has 1 trainings and B 2" in uneven.notes[0]


def test_float64_weights_keep_the_claim_small() -> None:
    wide = [Parameter("w", (1,), "float64")]
    a, b = (make_run(training(), parameters=wide) for _ in range(2))
    assert compare(a, b).parting is None
