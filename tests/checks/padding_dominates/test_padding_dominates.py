"""Unit tests of `padding-dominates`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.padding_dominates import PaddingDominates
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = PaddingDominates()
SHARE, SAMPLES = CHECK.limit("share"), int(CHECK.limit("samples"))
LINE = Site("train.py", 20)


def found(shares: list[float]) -> list[Finding]:
    events = [Event("input", 0, {"place": "input 0"}, LINE)]
    run = make_run(input_padded_share={"input 0": shares}, events=events)
    return list(CHECK.review(run))


def test_at_the_limit() -> None:
    (finding,) = found([0.75] * SAMPLES)
    assert (finding.severity, finding.where.site) == ("note", LINE)
    assert finding.summary == (
        f"75% of the positions of `input 0` were padding, in {SAMPLES} sampled batches"
    )
    assert found([SHARE] * SAMPLES) == []
    assert len(found([SHARE] * SAMPLES + [1.0])) == 1
    assert found([1.0] * (SAMPLES - 1)) == []
    assert found([math.nan] * SAMPLES) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
