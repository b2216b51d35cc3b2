"""The check `vanishing-gradient` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.gradient.vanishing_gradient import VanishingGradient
from assay.journal.view import Parameter, RunView
from assay.testing import make_run, only_finding

NAN = math.nan


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
    finding = only_finding(VanishingGradient(), deep([1e-6, 1e-4, 1e-2, 1.0]))
    assert finding.severity == "warning"
    assert finding.where.parameter == "0.weight"
    assert finding.evidence[0].value == pytest.approx(1e-6)


def test_the_first_layer_must_stand_still_or_the_loss_must() -> None:
    norms, adam = [1e-6, 1e-4, 1e-2, 1.0], [1e-3, 1e-3, 1e-3, 2e-3]
    assert only_finding(VanishingGradient(), deep(norms, loss=FALLING))
    assert only_finding(VanishingGradient(), deep(norms, updates=adam))
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
    assert only_finding(VanishingGradient(), deep([0.99e-3, 1e-2, 1e-1, 1.0]))


def test_an_empty_run_is_silent_and_says_why() -> None:
    run = make_run(learning_rate=[0.1])
    assert list(VanishingGradient().review(run)) == []
    assert VanishingGradient().why_skipped(run) is not None
