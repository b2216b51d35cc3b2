"""The metric: which number a run is judged by."""

from __future__ import annotations

import math

import pytest

from assay.journal.series import Series
from assay.journal.view import Evaluation
from assay.testing import make_run, make_training
from assay.trials.metric import GENERATED, SAMPLES, USED, comparable, final, measure, thinned
from assay.tricks.reading import read

NAN, INF = math.nan, math.inf


def evaluation(step: int, loss: float | None, function: str = "mse_loss") -> Evaluation:
    return Evaluation(step, function, loss, None, 10)


def test_training_loss_is_the_mean_of_the_last_tenth() -> None:
    losses = [10.0] * 90 + [1.0, 3.0] * 5
    assert measure(make_run(loss=losses)).values == {"training loss": 2.0}


def test_held_out_loss_where_the_script_evaluates() -> None:
    phases = [evaluation(50, 5.0), evaluation(95, 2.0), evaluation(100, 4.0)]
    values = measure(make_run(make_training(loss=[1.0] * 100, evaluations=phases))).values
    assert values["held-out loss"] == 3.0
    assert values["training loss"] == 1.0


def test_an_evaluation_before_training_is_no_result() -> None:
    view = make_run(make_training(loss=[1.0] * 100, evaluations=[evaluation(0, 5.0)]))
    assert list(measure(view).values) == ["training loss"]


def test_errors_where_classes_are_known() -> None:
    phases = [Evaluation(100, "cross_entropy", 0.5, 0.9, 10)]
    training = make_training(
        loss=[1.0] * 100, evaluations=phases, training_error=[0.9] * 90 + [0.25] * 10
    )
    values = measure(make_run(training)).values
    assert values["held-out error"] == pytest.approx(0.1)
    assert values["training error"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ([1.0] * 9 + [NAN], INF),
        ([1.0] * 9 + [INF], INF),
        ([NAN] * 6 + [1.0] * 4, INF),
        # a trick that skips a bad step now and then has not failed
        ([1.0, INF, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 1.0),
    ],
)
def test_a_run_that_is_not_finite_is_the_worst(last: list[float], expected: float) -> None:
    assert measure(make_run(loss=[1.0] * 90 + last)).values["training loss"] == expected


def test_a_run_whose_loss_is_not_finite_is_worst_by_every_kind() -> None:
    phases = [Evaluation(100, "cross_entropy", None, 0.1, 10)]
    training = make_training(loss=[1.0] * 50 + [NAN] * 50, evaluations=phases)
    assert set(measure(make_run(training)).values.values()) == {INF}


def test_held_out_loss_that_turned_to_nan() -> None:
    phases = [evaluation(50, 1.0), evaluation(100, None)]
    training = make_training(loss=[1.0] * 100, evaluations=phases)
    assert measure(make_run(training)).values["held-out loss"] == INF


def test_of_several_trainings_the_longest_then_the_first() -> None:
    short, long, as_long = (
        make_training(index=i, loss=[float(i)] * steps) for i, steps in enumerate((5, 20, 20))
    )
    assert measure(make_run(short, long, as_long)).values == {"training loss": 1.0}


def test_the_evaluation_used_most_counts() -> None:
    phases = [evaluation(100, 9.0, "l1_loss"), evaluation(90, 1.0), evaluation(100, 1.0)]
    training = make_training(loss=[1.0] * 100, evaluations=phases)
    assert measure(make_run(training)).values["held-out loss"] == 1.0


def test_players_are_judged_by_what_is_generated() -> None:
    """By the mean over the last half, and before their losses, which trade places."""
    last = {40: 9.0, **dict.fromkeys(range(60, 60 + SAMPLES - 1), 0.5), 99: 1.0}
    own = make_training(loss=[1.0] * 100, generated_distance={"D on G": last})
    values = measure(make_run(own, make_training(index=1, loss=[2.0] * 100))).values
    assert values[GENERATED] == pytest.approx((0.5 * (SAMPLES - 1) + 1.0) / SAMPLES)
    assert comparable([read("gradient-penalty=10")], list(values)) == (GENERATED, "")
    few = dict(list(last.items())[:SAMPLES])
    view = make_run(make_training(loss=[1.0] * 100, generated_distance={"D on G": few}))
    assert GENERATED not in measure(view).values


def test_nothing_measured() -> None:
    assert measure(make_run(make_training(steps=0))).values == {}
    assert measure(make_run(make_training(steps=5))).values == {}
    assert math.isnan(final(Series(), 10))


def test_curves_are_short_and_end_where_the_run_ended() -> None:
    curve = thinned(Series((step, float(step)) for step in range(1000)))
    assert len(curve) <= 60
    assert curve[-1][0] == 999
    assert curve[0] == (16, 8.0)
    assert thinned(Series([(3, 1.0)])) == ((3, 1.0),)


def test_curves_over_batches_where_steps_took_several() -> None:
    phases = [evaluation(25, 3.0)]
    measured = measure(make_run(make_training(loss=[4.0] * 25, evaluations=phases)))
    assert measured.per_batch(4).values == {"training loss": 4.0, "held-out loss": 3.0}
    assert measured.per_batch(4).curves["training loss"][-1] == (96, 4.0)
    assert measured.per_batch(1) == measured


ALIKE = "training loss, computed alike"
ALL = ["training loss", "held-out loss", "training error", "held-out error", ALIKE]


@pytest.mark.parametrize(
    ("tricks", "kinds", "kind", "cautious"),
    [
        ([], ALL, "held-out loss", False),
        (["clip-norm=1"], ["training loss"], "training loss", False),
        (["mixup"], ALL, "held-out loss", False),
        (["mixup"], ["training loss", "training error"], "training loss", True),
        (["mixup"], ["training loss", "held-out error"], "held-out error", False),
        (["label-smoothing"], ["training loss", ALIKE, "training error"], ALIKE, False),
        (["clip-norm=1"], ["training loss", ALIKE], "training loss", False),
        (["mixup"], ["training loss"], "training loss", True),
        (["logits", "ema"], ALL, ALIKE, False),
        (["match-target-shape"], ["training loss", "held-out loss"], "held-out loss", True),
        (["clip-norm=1"], [], "", False),
        (["train-mode"], [*ALL, USED], "held-out loss", False),
        (["train-mode"], ["training loss", ALIKE, "held-out error", USED], "held-out error", False),
        (["dropout=0.1", "lr=0.1"], ["training loss", ALIKE, "training error", USED], USED, True),
        (["drop-path"], ["training loss", ALIKE], "training loss", True),
        (["clip-norm=1"], ["training loss", USED], "training loss", False),
    ],
)
def test_comparable(tricks: list[str], kinds: list[str], kind: str, cautious: bool) -> None:
    found, caution = comparable([read(trick) for trick in tricks], kinds)
    assert found == kind
    assert bool(caution) == cautious
