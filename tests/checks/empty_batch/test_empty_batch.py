"""Unit tests of `empty-batch`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.empty_batch import EmptyBatch
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = EmptyBatch()
NAN = math.nan


def found(loss: list[float], **data: Any) -> list[Finding]:
    data = {"kind": "empty", "operation": "MseLoss", "of": None, "line": ["a.py", 7, ""], **data}
    event = Event("nothing_counted", 1, data, Site("a.py", 9), training=0)
    return list(CHECK.review(make_run(loss=loss, events=[event])))


def test_a_mean_over_nothing() -> None:
    (finding,) = found([1.0, NAN, NAN])
    assert (finding.severity, finding.where.site) == ("error", Site("a.py", 7))
    assert finding.summary == "the loss of step 1 was a mean over nothing: its batch was empty"


def test_training_that_goes_on_is_a_warning() -> None:
    (finding,) = found([1.0, NAN, 0.9])
    assert finding.severity == "warning"


def test_without_a_step_it_is_silent() -> None:
    assert found([1.0, 0.8]) == []


@pytest.mark.parametrize("kind", ["ignored", "masked", "selected"])
def test_what_a_selection_leaves_is_another_check(kind: str) -> None:
    assert found([1.0, NAN], kind=kind) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
