"""The check `exploding-gradient` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.gradient.exploding_gradient import ExplodingGradient
from assay.journal.view import RunView
from assay.signals.norms import norms_while_well
from assay.testing import make_run, only_finding
from assay.tricks.gradients.clip_norm import ClipNorm

NAN = math.nan
INF = math.inf


def burst(norms, losses, **more) -> RunView:
    return make_run(grad_norm=list(norms), loss=list(losses), **more)


USUAL, CALM, HURT = [1.0, 1.2] * 5, [0.5] * 11, [2.0] * 9


def test_the_clip_comes_of_norms_measured_while_it_went_well() -> None:
    """Of a run that comes apart it would be 7e14."""
    norms = [*USUAL, 33.0, *(10.0**i for i in range(2, 12)), 1e16]
    losses = [*CALM, *(0.5 * 3.0**i for i in range(1, 11)), *[1e9] * 9]
    assert float(only_finding(ExplodingGradient(), burst(norms, losses)).tricks[0].value) == 1.2
    (training,) = burst(norms, losses).trainings
    assert norms_while_well(training) == sorted([*USUAL, 33.0])
    (suggested,) = ClipNorm.suggest(training)
    assert float(suggested.value) < 40


def test_a_burst_that_did_harm_is_found_with_a_clip_from_the_norms_before() -> None:
    finding = only_finding(ExplodingGradient(), burst([*USUAL, 33.0, 1.0], [*CALM, *HURT]))
    assert finding.severity == "warning"
    assert finding.steps == (10, 10)
    assert finding.evidence[0].value == pytest.approx(30.0)
    assert (finding.tricks[0].name, finding.tricks[0].value) == ("clip-norm", "1.2")


def test_an_infinite_norm_is_a_burst() -> None:
    finding = only_finding(ExplodingGradient(), burst([*USUAL, INF], [*CALM, *[NAN] * 9]))
    assert "infinite" in finding.summary


def test_gradients_far_beyond_the_weights_at_the_first_step_are_found() -> None:
    run = burst([500.0, NAN], [3.0, NAN, NAN], weight_norm={"w": [3.0], "v": [4.0]})
    finding = only_finding(ExplodingGradient(), run)
    assert finding.steps == (0, 0)
    assert finding.evidence[0].value == pytest.approx(100.0)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(burst([*USUAL, 32.9], [*CALM, *HURT]), id="just under"),
        pytest.param(burst([*USUAL, 500.0], [*CALM, *CALM]), id="the loss survives"),
        pytest.param(burst([*USUAL, 500.0], [*CALM, 9.0, *CALM]), id="one bad step"),
        pytest.param(burst([*USUAL, 500.0], [*CALM, *HURT], clip_norm={10: 500.0}), id="clipped"),
        pytest.param(burst([1.0] * 7 + [500.0], [0.5] * 8 + HURT), id="seven samples before"),
        pytest.param(burst([500.0] * 20, [9.0] * 30), id="large throughout"),
        pytest.param(
            burst([499.0], [3.0, NAN], weight_norm={"w": [3.0], "v": [4.0]}), id="start, under"
        ),
        pytest.param(burst([NAN] * 20, [NAN] * 20), id="not a number"),
        pytest.param(burst([500.0], [3.0]), id="one sample"),
        pytest.param(burst([*USUAL, 500.0], [-1.0] * 11 + [9.0] * 9), id="a loss below zero"),
    ],
)
def test_harmless_gradients_are_silent(run: RunView) -> None:
    assert list(ExplodingGradient().review(run)) == []


def test_an_empty_run_is_silent_and_says_why() -> None:
    run = make_run(learning_rate=[0.1])
    assert list(ExplodingGradient().review(run)) == []
    assert ExplodingGradient().why_skipped(run) is not None
