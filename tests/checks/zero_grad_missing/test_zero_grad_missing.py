"""The check `zero-grad-missing` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.gradient.zero_grad_missing import ZeroGradMissing
from assay.testing import make_run, only_finding

NAN = math.nan
INF = math.inf


def test_left_over_gradients_at_every_step_are_found() -> None:
    finding = only_finding(ZeroGradMissing(), make_run(stale_grad_norm=[0.0, 1.0, 2.0, 3.0]))
    assert (finding.severity, finding.tier) == ("error", "exact")
    assert finding.tricks[0].name == "zero-grad"


def test_a_run_that_broke_is_judged_by_its_finite_steps() -> None:
    assert only_finding(ZeroGradMissing(), make_run(stale_grad_norm=[0.0, 1.0, 9.0, INF, NAN, NAN]))


@pytest.mark.parametrize(
    "stale",
    [
        pytest.param([0.0, 1.0, 2.0], id="two later samples"),
        pytest.param([0.0, 1.0, 0.0, 2.0, 3.0], id="cleared once"),
        pytest.param([0.0] * 30, id="cleared always"),
        pytest.param([0.0, NAN, NAN, NAN], id="not a number"),
        pytest.param([5.0], id="one sample"),
    ],
)
def test_cleared_gradients_are_silent(stale) -> None:
    assert list(ZeroGradMissing().review(make_run(stale_grad_norm=stale))) == []


@pytest.mark.parametrize(
    ("stale", "found"),
    [
        ([0.0] * 20 + [1.0] * 8, True),
        ([0.0] * 20 + [1.0] * 7, False),
        ([0.0] * 8 + [1.0] * 8, False),  # seven cleared ones behind the first step
        ([0.0] * 20 + [1.0] * 8 + [0.0], False),
        ([0.0, 1.0] * 10 + [0.0] + [1.0] * 8, False),  # a rhythm of the script's own
    ],
)
def test_gradients_that_are_no_longer_cleared_are_found(stale: list[float], found: bool) -> None:
    findings = list(ZeroGradMissing().review(make_run(stale_grad_norm=stale)))
    assert bool(findings) == found
    if found:
        assert "cleared until step 19 and no more from step 20 on" in findings[0].summary
        assert findings[0].onset == (19, 20)


def test_an_empty_run_is_silent_and_says_why() -> None:
    run = make_run(learning_rate=[0.1])
    assert list(ZeroGradMissing().review(run)) == []
    assert ZeroGradMissing().why_skipped(run) is not None


@pytest.mark.parametrize(
    ("stale", "found"),
    [
        ([1.0, 2.0, 3.0], True),
        ([NAN, 1.0, 2.0, 3.0, NAN], True),
        ([1.0, 2.0], False),
        ([1.0, 2.0, 0.0, 3.0], False),
        ([0.0] * 9, False),
    ],
)
def test_gradients_that_pile_up_between_calls_of_a_closure(stale: list[float], found: bool) -> None:
    run = make_run(stale_grad_norm=[0.0] * 9, stale_in_closure=stale)
    findings = list(ZeroGradMissing().review(run))
    assert bool(findings) == found
    if found:
        assert "between the calls of the closure" in findings[0].summary
        assert "3 sampled steps" in findings[0].summary
