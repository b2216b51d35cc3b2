"""Signs: what a run points to where no check found a fault."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assay.diagnosis import Diagnosis
from assay.journal.view import Evaluation, Event, RunView
from assay.testing import make_run
from assay.trials.remedies import remedies


def proposed(view: RunView) -> list[str]:
    return [c.name for tier in remedies(view, Diagnosis((), ())) for c in tier]


def evaluated(losses: Sequence[float]) -> RunView:
    view = make_run(loss=[1.0] * 100)
    step = 100 // len(losses)
    view.trainings[0].evaluations = [
        Evaluation((i + 1) * step - 1, "cross_entropy", loss, None, 100)
        for i, loss in enumerate(losses)
    ]
    return view


def test_a_held_out_loss_that_rises_again() -> None:
    view = evaluated([1.0, 0.6, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1])
    assert proposed(view) == ["early-stop=2", "dropout=0.5", "weight-decay=0.1"]
    why = remedies(view, Diagnosis((), ()))[0][0].why
    assert why == "the held-out loss rose from 0.5 at evaluation 3 to 1.1"


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.38, 0.36],
        # noise about a level
        [1.0, 0.5, 0.42, 0.45, 0.41, 0.47, 0.43, 0.46, 0.42, 0.45],
        # it rose at the very end: one evaluation may be chance
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.38, 0.9],
        [1.0, 0.5, 1.5],
        [-1.0, -2.0, -1.5, -1.0, -0.5, -0.4, -0.3, -0.2],
    ],
)
def test_a_held_out_loss_that_is_well(losses: list[float]) -> None:
    assert proposed(evaluated(losses)) == []


def labels(*counts: int) -> RunView:
    return make_run(
        loss=[1.0] * 20, label_count={str(c): [float(n)] * 20 for c, n in enumerate(counts)}
    )


def test_a_rare_class() -> None:
    view = labels(61, 1, 2)
    assert proposed(view) == ["balance-classes=1.0", "balance-classes=0.5"]
    assert remedies(view, Diagnosis((), ()))[0][0].why == "class 1 is 1.6% of the labels seen"


def test_classes_that_are_common_enough_or_hardly_seen() -> None:
    assert proposed(labels(20, 10, 5)) == []
    assert proposed(labels(20, 1)) == []
    assert proposed(labels(64)) == []


@pytest.mark.parametrize(
    ("dtype", "scale", "found"),
    [("float16", [], ["amp=fp16"]), ("float16", [65536.0] * 9, []), ("bfloat16", [], [])],
)
def test_half_precision_without_a_scaler(dtype: str, scale: list[float], found: list[str]) -> None:
    region = Event("autocast", 0, {"device": "cpu", "dtype": dtype, "enabled": True})
    view = make_run(loss=[1.0] * 9, loss_scale=scale, events=[region])
    assert proposed(view) == found
