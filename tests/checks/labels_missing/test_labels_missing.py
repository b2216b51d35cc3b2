"""Unit tests of `labels-missing`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.labels_missing import LabelsMissing
from assay.checks.finding import Finding
from assay.journal.view import Event, Parameter, Site
from assay.testing import make_run

CHECK = LabelsMissing()
LABELS, EACH = int(CHECK.limit("labels")), int(CHECK.limit("a class"))
LINE = Site("train.py", 20)


def call(fn: str = "cross_entropy", place: str = "the loss", **more: Any) -> Event[Any]:
    data = {"fn": fn, "place": place, "producer": "Addmm", "ignore_index": -100,
            "target": {"shape": [32], "dtype": "int64"}, "in_graph": True}  # fmt: skip
    return Event("loss_call", 0, {**data, **more}, LINE)


def by_class(*counts: int, evaluated: tuple[int, ...] = (), **more: Any) -> list[Finding]:
    events = [call(**more)]
    if evaluated:
        events.append(Event("eval_labels", 5, {"counts": list(evaluated)}))
    run = make_run(
        label_count={str(n): [float(count)] for n, count in enumerate(counts)},
        input_fingerprint={"input 0": [1.0, 2.0]},
        events=events,
        parameters=[Parameter("2.bias", (len(counts),))],
    )
    return list(CHECK.review(run))


def numbers(*values: float, **more: Any) -> list[Finding]:
    run = make_run(
        target_min={"the loss": list(values)}, target_max={"the loss": list(values)},
        events=[call(**more)],
    )  # fmt: skip
    return list(CHECK.review(run))


def test_one_label() -> None:
    (finding,) = by_class(LABELS, 0)
    assert (finding.severity, finding.where.site) == ("warning", LINE)
    assert finding.summary == f"all targets of the loss were label 0, of {LABELS} labels"
    assert by_class(LABELS - 1, 0) == []


def test_a_contrastive_loss_is_not_a_head() -> None:
    assert by_class(LABELS, 0, producer="Div") == []


def test_a_class_that_is_evaluated() -> None:
    (finding,) = by_class(LABELS, LABELS, 0, evaluated=(40, 40, 40))
    assert finding.summary.startswith("class 2 of 3 never occurred among 512 labels")
    assert finding.summary.endswith(", and did in evaluations")
    assert finding.severity == "warning"


def test_a_class_that_may_have_been_missed() -> None:
    total = 2 * LABELS
    (finding,) = by_class(LABELS, LABELS, 0, evaluated=(total - EACH, 0, EACH))
    assert finding.severity == "warning"
    (finding,) = by_class(LABELS, LABELS, 0, evaluated=(total - EACH + 1, 0, EACH - 1))
    assert finding.severity == "note"


def test_a_class_that_occurs_nowhere_is_a_note() -> None:
    (finding,) = by_class(LABELS, LABELS, 0)
    assert finding.severity == "note"
    assert by_class(LABELS, *[0] * (LABELS // EACH), 1) == [], "too many for so few labels"
    assert by_class(LABELS, LABELS, 0, ignore_index=2) == []


def test_targets_of_one_value() -> None:
    (finding,) = numbers(*[0.5] * 8, fn="mse_loss")
    assert finding.summary == "all targets of the loss were 0.5, in 8 sampled batches"
    assert numbers(*[0.5] * 7, 0.6, fn="mse_loss") == []
    assert numbers(*[0.5] * 7, fn="mse_loss") == []
    assert numbers(*[0.0] * 8, fn="mse_loss") == [], "a residual"
    assert numbers(*[0.5] * 8, fn="mse_loss", producer="Sub") == []
    assert len(numbers(*[0.0] * 8, fn="binary_cross_entropy_with_logits")) == 1


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
