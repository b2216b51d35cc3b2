"""Unit tests of the gradient checks and of the ratios that they read, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.base import Check
from assay.checks.finding import Finding
from assay.checks.gradient.exploding_gradient import ExplodingGradient
from assay.checks.gradient.vanishing_gradient import VanishingGradient
from assay.checks.gradient.zero_grad_missing import ZeroGradMissing
from assay.journal.series import Series
from assay.journal.view import Module, Parameter, RunView
from assay.signals.norms import norms_while_well
from assay.signals.ratios import ratio, rising_share, rms_by_depth, typical, update_ratio
from assay.testing import make_run, make_training
from assay.tricks.gradients.clip_norm import ClipNorm

NAN, INF = math.nan, math.inf


def only(check: Check, run: RunView) -> Finding:
    found = list(check.review(run))
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("check", [ZeroGradMissing(), VanishingGradient(), ExplodingGradient()])
def test_an_empty_run_is_silent_and_says_why(check: Check) -> None:
    run = make_run(learning_rate=[0.1])
    assert list(check.review(run)) == []
    assert check.why_skipped(run) is not None


# --- ratios -----------------------------------------------------------------------------------


def test_a_ratio_is_taken_where_both_were_measured_and_the_divisor_is_not_zero() -> None:
    above, below = Series([(0, 1.0), (1, 2.0), (3, 6.0)]), Series([(1, 4.0), (2, 1.0), (3, 0.0)])
    assert list(ratio(above, below)) == [(1, 0.5)]
    assert list(ratio(Series(), below)) == []


def test_update_ratio() -> None:
    training = make_training(update_norm={"w": [0.1, 0.2]}, weight_norm={"w": [10.0, 4.0]})
    assert list(update_ratio(training, "w")) == [(0, pytest.approx(0.01)), (1, pytest.approx(0.05))]


def test_typical_passes_over_what_is_not_finite() -> None:
    assert typical(Series([(0, NAN), (1, 3.0), (2, INF), (3, 1.0), (4, 2.0)])) == 2.0
    assert math.isnan(typical(Series()))


def test_rising_share() -> None:
    assert rising_share([1, 2, 3]) == 1.0
    assert rising_share([3, 2, 1]) == 0.0
    assert rising_share([1, 3, 2]) == pytest.approx(2 / 3)
    assert math.isnan(rising_share([1]))


def test_depth_counts_matrices_in_the_order_of_the_model_without_embeddings() -> None:
    run = make_run(
        modules=[Module("tok", "Embedding")],
        parameters=[
            Parameter("tok.weight", (9, 4)),
            Parameter("b.weight", (2, 2)),
            Parameter("a.weight", (4, 4)),
            Parameter("a.bias", (4,)),
        ],
        grad_norm={n: [4.0] for n in ("a.weight", "b.weight", "a.bias", "tok.weight")},
    )
    assert [(p.name, v) for p, v in rms_by_depth(run, run.trainings[0])] == [
        ("b.weight", 2.0),
        ("a.weight", 1.0),
    ]


# --- zero-grad-missing ------------------------------------------------------------------------


def test_left_over_gradients_at_every_step_are_found() -> None:
    finding = only(ZeroGradMissing(), make_run(stale_grad_norm=[0.0, 1.0, 2.0, 3.0]))
    assert (finding.severity, finding.tier) == ("error", "exact")
    assert finding.tricks[0].name == "zero-grad"


def test_a_run_that_broke_is_judged_by_its_finite_steps() -> None:
    assert only(ZeroGradMissing(), make_run(stale_grad_norm=[0.0, 1.0, 9.0, INF, NAN, NAN]))


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


# --- vanishing-gradient -----------------------------------------------------------------------


def deep(norms, *, samples=10, loss=None, updates=None, shape=(10, 10)) -> RunView:
    names = [f"{i}.weight" for i in range(len(norms))]
    updates = updates or norms
    return make_run(
        parameters=[Parameter(name, shape) for name in names],
        loss=loss or [1.4] * 40,
        grad_norm={
            "": [1.0] * samples,
            **{n: [v] * samples for n, v in zip(names, norms, strict=True)},
        },
        update_norm={n: [v] * samples for n, v in zip(names, updates, strict=True)},
        weight_norm={n: [1.0] * samples for n in names},
    )


FALLING = [1.4 * 0.95**i for i in range(40)]


def test_a_gradient_that_fades_towards_the_first_layer_is_found() -> None:
    finding = only(VanishingGradient(), deep([1e-6, 1e-4, 1e-2, 1.0]))
    assert finding.severity == "warning"
    assert finding.where.parameter == "0.weight"
    assert finding.evidence[0].value == pytest.approx(1e-6)


def test_the_first_layer_must_stand_still_or_the_loss_must() -> None:
    norms, adam = [1e-6, 1e-4, 1e-2, 1.0], [1e-3, 1e-3, 1e-3, 2e-3]
    assert only(VanishingGradient(), deep(norms, loss=FALLING))
    assert only(VanishingGradient(), deep(norms, updates=adam))
    assert list(VanishingGradient().review(deep(norms, updates=adam, loss=FALLING))) == []


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(deep([1e-3, 1e-2, 1e-1, 1.0]), id="at the limit"),
        pytest.param(deep([1e-6, 1.0]), id="two layers"),
        pytest.param(deep([1e-6, 1e-2, 1.0], samples=4), id="four samples"),
        pytest.param(deep([1e-6, 1.0, 1e-4, 1e-3, 1e-2]), id="no order in depth"),
        pytest.param(deep([0.0, 0.0, 0.0, 1.0]), id="cut off"),
        pytest.param(deep([0.0, 0.0, 0.0]), id="no gradient at all"),
        pytest.param(deep([NAN, NAN, NAN]), id="not a number"),
    ],
)
def test_other_shapes_of_depth_are_silent(run: RunView) -> None:
    assert list(VanishingGradient().review(run)) == []


def test_just_under_the_limit_is_found() -> None:
    assert only(VanishingGradient(), deep([0.99e-3, 1e-2, 1e-1, 1.0]))


# --- exploding-gradient -----------------------------------------------------------------------


def burst(norms, losses, **more) -> RunView:
    return make_run(grad_norm=list(norms), loss=list(losses), **more)


USUAL, CALM, HURT = [1.0, 1.2] * 5, [0.5] * 11, [2.0] * 9


def test_the_clip_comes_of_norms_measured_while_it_went_well() -> None:
    """Of a run that comes apart it would be 7e14."""
    norms = [*USUAL, 33.0, *(10.0**i for i in range(2, 12)), 1e16]
    losses = [*CALM, *(0.5 * 3.0**i for i in range(1, 11)), *[1e9] * 9]
    assert float(only(ExplodingGradient(), burst(norms, losses)).tricks[0].value) == 1.2
    (training,) = burst(norms, losses).trainings
    assert norms_while_well(training) == sorted([*USUAL, 33.0])
    (suggested,) = ClipNorm.suggest(training)
    assert float(suggested.value) < 40


def test_a_burst_that_did_harm_is_found_with_a_clip_from_the_norms_before() -> None:
    finding = only(ExplodingGradient(), burst([*USUAL, 33.0, 1.0], [*CALM, *HURT]))
    assert finding.severity == "warning"
    assert finding.steps == (10, 10)
    assert finding.evidence[0].value == pytest.approx(30.0)
    assert (finding.tricks[0].name, finding.tricks[0].value) == ("clip-norm", "1.2")


def test_an_infinite_norm_is_a_burst() -> None:
    finding = only(ExplodingGradient(), burst([*USUAL, INF], [*CALM, *[NAN] * 9]))
    assert "infinite" in finding.summary


def test_gradients_far_beyond_the_weights_at_the_first_step_are_found() -> None:
    run = burst([500.0, NAN], [3.0, NAN, NAN], weight_norm={"w": [3.0], "v": [4.0]})
    finding = only(ExplodingGradient(), run)
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
