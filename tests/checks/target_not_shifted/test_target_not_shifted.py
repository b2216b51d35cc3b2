"""Unit tests of `target-not-shifted`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.target_not_shifted import TargetNotShifted
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = TargetNotShifted()
SAMPLES = int(CHECK.limit("samples"))
PLACE, LINE = "cross_entropy (train.py:20)", Site("train.py", 20)


def found(shares: list[float], ahead: list[float]) -> list[Finding]:
    run = make_run(
        loss=[1.0] * max(len(shares), 1),
        target_is_input={PLACE: shares},
        lookahead=ahead,
        events=[Event("loss_call", 0, {"fn": "cross_entropy", "place": PLACE}, LINE)],
    )
    return list(CHECK.review(run))


def test_at_the_limit() -> None:
    (finding,) = found([1.0] * SAMPLES, [0.0])
    assert (finding.severity, finding.tier, finding.where.site) == ("error", "probe", LINE)
    assert finding.summary == (
        "the targets of cross_entropy (train.py:20) were the model's own input at the same places, "
        f"in all {SAMPLES} sampled batches, and the model does not look ahead"
    )


def test_just_under_the_limit() -> None:
    assert found([1.0] * (SAMPLES - 1), [0.0]) == []
    assert found([1.0] * SAMPLES + [0.999], [0.0]) == []


def test_a_model_that_sees_the_whole_row_is_an_autoencoder() -> None:
    assert found([1.0] * SAMPLES, [0.0, 1e-4]) == []


def test_a_model_that_was_not_asked_is_not_judged() -> None:
    assert found([1.0] * SAMPLES, []) == []
    assert found([1.0] * SAMPLES, [math.nan]) == []


def after_next(**shares: list[float]) -> list[Finding]:
    places = {f"cross_entropy (train.py:{line})": values for line, values in shares.items()}
    return list(CHECK.review(make_run(loss=[1.0] * 9, target_is_after_next=places)))


def test_targets_that_were_shifted_twice() -> None:
    (finding,) = after_next(l20=[1.0] * SAMPLES)
    assert finding.severity == "warning"
    assert "were the tokens two places on in the model's input" in finding.summary
    assert after_next(l20=[1.0] * (SAMPLES - 1)) == []
    assert after_next(l20=[1.0] * SAMPLES + [0.999]) == []
    assert after_next(l20=[1.0] * SAMPLES, l30=[0.0] * SAMPLES) == []  # another head, on purpose


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
