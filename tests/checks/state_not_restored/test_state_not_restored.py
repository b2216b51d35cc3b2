"""Unit tests of `state-not-restored`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.optimizer.state_not_restored import StateNotRestored
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = StateNotRestored()
FACTS = {"owner": "Net", "moments": 6, "line": ["train.py", 9, ""]}


def test_a_state_that_was_left_in_the_file() -> None:
    event = Event("not_restored", 0, FACTS, training=0)
    (finding,) = CHECK.review(make_run(make_training(loss=[1.0, 0.9]), events=[event]))
    assert (finding.severity, finding.where.site) == ("warning", Site("train.py", 9))
    assert finding.summary.startswith("Net got its weights from a file with the moments of 6 ")


def test_an_optimizer_that_never_stepped_is_silent() -> None:
    event = Event("not_restored", 0, FACTS, training=3)
    assert list(CHECK.review(make_run(make_training(loss=[1.0]), events=[event]))) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
