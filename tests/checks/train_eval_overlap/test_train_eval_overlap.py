"""Unit tests of `train-eval-overlap`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.train_eval_overlap import TrainEvalOverlap
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = TrainEvalOverlap()
ROWS = int(CHECK.limit("rows"))


def found(
    *,
    mixed: int = 0,
    whole: int = 0,
    named: str | None = "val_x",
    late: float = 0.3,
    rows: int = ROWS,
    near: int = 0,
    earlier: dict[str, Any] | None = None,
) -> list[Finding]:
    data = {"place": "input 0", "asked": 1, "named": named, "batches": 4, "mixed": mixed,
            "whole": whole, "early": 0.3, "late": late, "rows": rows, "seen": 20, "near": near,
            "line": ["train.py", 9, ""]}  # fmt: skip
    events = [Event("overlap_found", 5, data)]
    if earlier is not None:
        events.insert(0, Event("overlap_found", 3, {**data, **earlier}))
    return list(CHECK.review(make_run(loss=[1.0] * 9, events=events)))


def test_some_of_each_batch() -> None:
    (finding,) = found(mixed=2)
    assert finding.where.site == Site("train.py", 9)
    assert finding.summary == (
        f"of {ROWS} rows that evaluations gave `input 0`, at least 20 had been trained on before: "
        "some of `val_x`, among others that it had not"
    )
    assert found(mixed=2, named=None) == [], "all data are evaluated on purpose"
    assert found(mixed=2, late=0.36) == [], "more are met in time"
    assert found(mixed=1) == []
    assert found(mixed=2, rows=ROWS - 1) == []


def test_known_rows_only() -> None:
    (finding,) = found(whole=4)
    assert finding.summary.endswith("trained on before: `val_x` holds nothing else")
    assert found(whole=3) == []
    assert found(whole=4, named=None) == [], "the training data are evaluated on purpose"


def test_rows_that_are_near() -> None:
    (finding,) = found(whole=4, near=18)
    assert "trained on before, 18 of them but for a little noise: `val_x` holds" in finding.summary
    (finding,) = found(mixed=2, near=18)
    assert finding.summary.endswith("a little noise: some of `val_x`"), "others may be near too"


def test_the_last_of_a_line_counts() -> None:
    assert found(earlier={"mixed": 4}) == []
    assert len(found(earlier={"mixed": 4, "asked": 2})) == 1


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
