"""Unit tests of `warmup-missing`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.schedule.warmup_missing import WarmupMissing
from assay.journal.view import RunView
from assay.testing import make_run, only_finding


def run(early=(-1.0, -1.0), *, high=1.5, harm=1, samples=10, end=0.5, rates=(0.1,)) -> RunView:
    """A run of 100 steps whose second loss is `high`, and `harm` of whose later steps do harm."""
    later = [-1.0] * harm + [0.5] * (samples - harm)
    quality = dict(enumerate(early)) | {32 + 4 * i: value for i, value in enumerate(later)}
    losses = [1.0, high, *[end] * 98]
    return make_run(loss=losses, step_quality=quality, learning_rate={"group 0": list(rates)})


def test_first_steps_that_alone_did_harm_are_told() -> None:
    finding = only_finding(WarmupMissing(), run())
    assert finding.severity == "note"
    assert finding.tricks[0].name == "warmup"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(run((-1.0, 0.0)), id="one harmful step"),
        pytest.param(run(high=1.49), id="thrown less far"),
        pytest.param(run(harm=2), id="a fifth of the later steps"),
        pytest.param(run(samples=7, harm=0), id="seven later samples"),
        pytest.param(run(end=0.51), id="nothing learnt"),
        pytest.param(run(rates=(0.01, *[0.1] * 99)), id="a rate that begins low"),
        pytest.param(run(high=float("inf")), id="a loss that is infinite"),
    ],
)
def test_other_beginnings_are_silent(seen: RunView) -> None:
    assert list(WarmupMissing().review(seen)) == []
