"""Unit tests of `loss-terms-unbalanced`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.loss.loss_terms_unbalanced import LossTermsUnbalanced
from assay.journal.view import Event, RunView
from assay.testing import make_run, only_finding

PLACE = "mse_loss (train.py:9)"


def run(
    rest: float, *, first=9.0, shape=(4, 4), steps=60, samples=60, mean=1.0, divided=1
) -> RunView:
    """A run whose mean ends at 1, with so much of other terms beside it, and `first` at first."""
    values = [mean, *[mean] * (samples // 2), *[1.0] * (samples - samples // 2)][:samples]
    losses = [mean + first, *[value + rest for value in values[1:]]]
    return make_run(
        loss=[*losses, *losses[-1:] * (steps - len(losses))],
        loss_call_value={PLACE: values},
        learning_rate={"group 0": [0.1] * steps},
        events=[
            Event("mean_beside_sum", 0, {
                "place": PLACE, "shape": list(shape), "summed": [4, 2],
                "divided": divided,
                "line": ["train.py", 7, "elbo"],
            }),
        ],
    )  # fmt: skip


def test_a_sum_that_came_to_nothing_beside_a_mean_is_found() -> None:
    finding = only_finding(LossTermsUnbalanced(), run(0.049))
    assert finding.where.site is not None
    assert finding.where.site.line == 7
    assert "over 16 elements" in finding.summary


def test_a_sum_that_is_divided_by_the_batch_is_outweighing_too() -> None:
    finding = only_finding(LossTermsUnbalanced(), run(0.049, shape=(4, 16), divided=4))
    assert "a mean over 64 elements and stands beside a sum over 2 for each of 4" in finding.summary
    assert "divide it by 16 more" in finding.try_[1]


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(run(0.05), id="still worth something"),
        pytest.param(run(0.0, first=0.049), id="nothing from the first step on"),
        pytest.param(run(0.0, mean=1.06), id="a mean that falls"),
        pytest.param(run(0.0, shape=(5, 3)), id="a mean over few"),
        pytest.param(run(0.0, shape=(4, 15), divided=4), id="a mean over few numbers a sample"),
        pytest.param(run(0.0, steps=49, samples=49), id="a short run"),
        pytest.param(run(0.0, samples=7), id="seven samples"),
        pytest.param(make_run(loss=[1.0] * 60), id="no such terms"),
    ],
)
def test_other_losses_are_left_alone(seen: RunView) -> None:
    assert list(LossTermsUnbalanced().review(seen)) == []
