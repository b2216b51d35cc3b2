"""Unit tests of `mask-value-overflows`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.precision.mask_value_overflows import MaskValueOverflows
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = MaskValueOverflows()
PLACE, SOFTMAX = "mul (train.py:20)", "softmax (train.py:21)"


def found(
    loss: Sequence[float],
    rows: Sequence[float] = (),
    lost: Sequence[float] = (0.5,),
    kinds: Sequence[tuple[str, int]] = (),
) -> list[Finding]:
    training = make_training(
        loss=list(loss),
        half_lost_share={PLACE: list(lost)},
        softmax_undefined_share={SOFTMAX: list(rows)},
    )
    line = ["train.py", 20, "forward"]
    mask = Event("half_mask", 0, {"place": PLACE, "line": line}, None, training=0)
    facts = {"op": "Softmax", "dtype": "float16", "share": 0.25, "line": None}
    others: list[Event[Any]] = [
        Event("step_skipped", step, {}, training=0)
        if kind == "skip"
        else Event("half_range", step, {**facts, "kind": kind}, training=0)
        for kind, step in kinds
    ]
    return list(CHECK.review(make_run(training, events=[mask, *others])))


def test_rows_that_are_nan_and_a_loss_that_is() -> None:
    (finding,) = found([1.0, math.nan], rows=[0.0, 0.125])
    assert (finding.severity, finding.where.site) == ("error", Site("train.py", 20, "forward"))
    assert finding.summary == (
        "50.0% of what `mul (train.py:20)` wrote was finite and beyond 65,504: infinite in "
        "float16, and 12.5% of the rows of a softmax were NaN at step 1"
    )


def test_at_the_limit() -> None:
    (finding,) = found([1.0, 0.9], rows=[0.0, 0.0])
    assert finding.severity == "note"
    assert "no row" in finding.summary
    assert found([1.0, 0.9], lost=[0.0]) == []  # it held all of them


def test_a_row_that_harms_nothing_is_a_note() -> None:
    (finding,) = found([1.0, 0.9], rows=[0.0, 0.125])
    assert finding.severity == "note"


def test_steps_that_were_left_out_are_harm() -> None:
    (finding,) = found([1.0, 0.9], rows=[0.0, 0.125], kinds=[("skip", 1)])
    assert finding.severity == "error"


def test_rows_that_the_graph_shows_between_samples() -> None:
    (finding,) = found([1.0, math.nan], kinds=[("softmax", 1)])
    assert finding.severity == "error"
    assert "25.0% of the rows" in finding.summary
    assert found([1.0, math.nan], kinds=[("exp", 1)])[0].severity == "note"


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
