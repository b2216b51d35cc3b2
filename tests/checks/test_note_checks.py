"""Unit tests of checks that only ever note: over-fitting, rare classes, half precision."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assay.checks.base import Check
from assay.checks.data.class_imbalance import ClassImbalance
from assay.checks.finding import Finding
from assay.checks.generalisation.overfitting import Overfitting
from assay.checks.precision.half_without_scaler import HalfWithoutScaler
from assay.diagnosis import Diagnosis
from assay.journal.view import Evaluation, Event, RunView, Site
from assay.testing import make_run
from assay.trials.remedies import remedies

LINE = Site("train.py", 12, "<module>")
NAN = float("nan")


def only(check: Check, run: RunView) -> Finding:
    (finding,) = check.review(run)
    assert finding.severity == "note"
    return finding


def silent(check: Check, run: RunView) -> bool:
    return check.why_skipped(run) is None and not list(check.review(run))


def tried(finding: Finding, run: RunView) -> list[str]:
    return [c.name for tier in remedies(run, Diagnosis((finding,), ())) for c in tier]


# --- overfitting --------------------------------------------------------------------------------


def evaluated(losses: Sequence[float], training: Sequence[float] = ()) -> RunView:
    view = make_run(loss=training or [1.0 - 0.009 * step for step in range(100)])
    step = 100 // len(losses)
    for i, loss in enumerate(losses):
        phase = Evaluation((i + 1) * step - 1, "cross_entropy", loss, None, 100)
        view.trainings[0].add_evaluation(phase)
    return view


RISING = [1.0, 0.6, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]


def test_a_held_out_loss_that_rises_again() -> None:
    run = evaluated(RISING)
    finding = only(Overfitting(), run)
    assert "rose from 0.5 at step 29 (evaluation 3 of 10) to 1.1" in finding.summary
    assert finding.steps == (29, 99)
    assert tried(finding, run) == ["early-stop=2", "dropout=0.5", "weight-decay=0.1"]


def test_at_the_limit_it_is_silent_and_just_above_it_is_not() -> None:
    at = [1.0, 0.6, 0.5, 0.52, 0.54, 0.56, 0.57, 0.58, 0.59]
    assert silent(Overfitting(), evaluated([*at, 0.6]))
    assert only(Overfitting(), evaluated([*at, 0.601]))


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.38, 0.36],
        # noise about a level
        [1.0, 0.5, 0.42, 0.45, 0.41, 0.47, 0.43, 0.46, 0.42, 0.45],
        # it rose at the very end: one evaluation may be chance
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.38, 0.9],
        [-1.0, -2.0, -1.5, -1.0, -0.5, -0.4, -0.3, -0.2],
        [1.0, 0.5, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN],
    ],
)
def test_a_held_out_loss_that_is_well(losses: list[float]) -> None:
    assert silent(Overfitting(), evaluated(losses))


def test_a_training_loss_that_rises_too_is_another_illness() -> None:
    assert silent(Overfitting(), evaluated(RISING, [0.1 + 0.01 * step for step in range(100)]))
    assert silent(Overfitting(), evaluated(RISING, [1.0] * 100))


def test_too_few_evaluations_are_said_to_be_too_few() -> None:
    said = Overfitting().why_skipped(make_run(loss=[1.0] * 9))
    assert said == "no loss was computed with gradients off"
    why = Overfitting().why_skipped(evaluated([1.0, 0.5, 1.5]))
    assert why == "3 of the 6 evaluations that it needs"


# --- class-imbalance ----------------------------------------------------------------------------


def labels(*counts: float, weighted: bool = False, rows: int = 64) -> RunView:
    call = {
        "fn": "cross_entropy", "place": "cross_entropy (train.py:12)", "in_graph": True,
        "weighted": weighted, "input": {"shape": [rows, 3], "dtype": "float32"},
    }  # fmt: skip
    given = {"place": "input 0", "shape": [64, 8], "dtype": "float32"}
    return make_run(
        loss=[1.0] * 20,
        label_count={str(c): [float(n)] * 20 for c, n in enumerate(counts)},
        events=[Event("loss_call", 0, call, LINE), Event("input", 0, given, LINE)],
    )


def test_a_rare_class() -> None:
    run = labels(61, 1, 2)
    finding = only(ClassImbalance(), run)
    assert "class 1 is 1.6% of the 1280 labels seen" in finding.summary
    assert finding.where.site == LINE
    assert tried(finding, run) == ["balance-classes=1.0", "balance-classes=0.5"]


def ones(share: float, *, top: float = 1.0, shape: tuple[int, ...] = (64,)) -> RunView:
    place = "binary_cross_entropy_with_logits (train.py:12)"
    described = {"shape": [*shape], "dtype": "float32"}
    call = {"fn": place.split()[0], "place": place, "in_graph": True, "weighted": False,
            "input": described, "target": described}  # fmt: skip
    return make_run(
        loss=[1.0] * 20,
        target_ones_share={place: [share] * 20},
        prediction_top_share={place: [0.9] * 10 + [top] * 10},
        prediction_top_label={place: [0.0] * 20},
        events=[Event("loss_call", 0, call, LINE)],
    )


def test_two_classes_of_which_one_is_rare() -> None:
    finding = only(ClassImbalance(), ones(1 / 32))
    assert finding.summary == (
        "class 1 is 3.1% of the 1280 labels seen, the commonest class 96.9%; in the last 5 sampled "
        "batches nothing else was predicted"
    )
    assert finding.tricks == ()
    assert "nothing else" not in only(ClassImbalance(), ones(1 / 32, top=0.99)).summary
    assert silent(ClassImbalance(), ones(0.5))
    assert ClassImbalance().why_skipped(ones(1 / 32, shape=(64, 5))) is not None
    assert ClassImbalance().why_skipped(ones(NAN)) is not None


def test_a_tenth_of_the_commonest_class_is_not_rare() -> None:
    assert silent(ClassImbalance(), labels(50, 5))
    assert only(ClassImbalance(), labels(51, 5))


def test_classes_that_are_hardly_seen_are_not_judged() -> None:
    why = ClassImbalance().why_skipped(labels(24, 0.9))
    assert why == "498 of the 500 labels that it needs"
    assert only(ClassImbalance(), labels(24, 1))
    assert silent(ClassImbalance(), labels(64))
    assert silent(ClassImbalance(), labels(64, 0))
    assert silent(ClassImbalance(), labels(64, NAN))


def test_weights_in_the_loss_are_silent_and_sequences_not_judged() -> None:
    assert silent(ClassImbalance(), labels(61, 1, 2, weighted=True))
    assert ClassImbalance().why_skipped(labels(61, 1, 2, rows=640)) is not None


# --- half-without-scaler ------------------------------------------------------------------------


def half(dtype: str = "float16", scaled: int = 0, *, graph: bool = True) -> RunView:
    call = {
        "fn": "cross_entropy", "place": "cross_entropy (train.py:12)", "in_graph": graph,
        "weighted": False, "input": {"shape": [8, 3], "dtype": dtype},
    }  # fmt: skip
    region = {"device": "cpu", "dtype": dtype, "enabled": True}
    return make_run(
        loss=[1.0] * 9,
        events=[
            Event("loss_call", 0, call, Site("train.py", 13)),
            Event("autocast", 0, region, LINE),
            *[Event("scaler", 0, {"scaled": scaled}, LINE)][: scaled > 0],
        ],
    )


def test_half_precision_without_a_scaler() -> None:
    run = half()
    finding = only(HalfWithoutScaler(), run)
    assert finding.where.site == LINE
    assert tried(finding, run) == ["amp=fp16"]


def test_half_weights_without_autocast_are_named_at_the_loss() -> None:
    run = half()
    run.all_events.pop()
    assert only(HalfWithoutScaler(), run).where.site == Site("train.py", 13)


@pytest.mark.parametrize(
    "run",
    [half(scaled=9), half("bfloat16"), half("float32"), half(graph=False)],
)
def test_half_precision_that_is_well(run: RunView) -> None:
    assert silent(HalfWithoutScaler(), run)
