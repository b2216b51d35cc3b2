"""Unit tests of `token-mean-per-rank`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.token_mean_per_rank import TokenMeanPerRank
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = TokenMeanPerRank()
LINE = Site("train.py", 20)
PLACE = "cross_entropy (train.py:20)"


def found(
    *counts: list[float],
    means: float = 1.0,
    passes: float = 1.0,
    wrapper: bool = True,
    alike: bool = True,
) -> list[Finding]:
    trainings = []
    events: list[Event[Any]] = []
    steps = len(counts[0])
    for n, row in enumerate(counts):
        training = make_training(
            index=n, process=n, grad_norm={"0.weight": [1.0] * steps},
            grad_fingerprint=[float(i if alike else i + n) for i in range(steps)],
            target_counted={PLACE: row}, mean_loss_passes=[means] * steps,
            backward_passes=[passes] * steps,
        )  # fmt: skip
        training.rank = n
        trainings.append(training)
        events.append(Event("loss_call", 0, {"place": PLACE}, LINE, process=n))
        ddp = {"cls": "Net", "world": len(counts), "hook": None, "built": None, "joined": False}
        events += [Event("replicated", 0, ddp, training=n, process=n)] * wrapper
    run = make_run(*trainings, events=events, facts={"world": len(counts)})
    assert CHECK.why_skipped(run) is None
    return list(CHECK.review(run))


@pytest.mark.parametrize("given", [{}, {"means": 4.0, "passes": 4.0}, {"wrapper": False}])
def test_twice_as_many(given: dict[str, Any]) -> None:
    (finding,) = found([100.0] * 5, [200.0] * 5, **given)
    assert finding.summary == (
        "the loss of each rank was the mean over its own targets, of which one rank had 2 times "
        "as many as another (median of 5 steps; rank 0 100, rank 1 200), and the ranks were "
        "averaged as equal"
    )
    assert finding.where.site == LINE


@pytest.mark.parametrize(
    ("counts", "given"),
    [
        (([100.0] * 5, [199.0] * 5), {}),
        (([100.0] * 3, [200.0] * 3), {}),
        (([0.0] * 5, [200.0] * 5), {}),  # that is NaN, and another check's
        (([100.0, 200.0] * 4, [100.0, 200.0] * 4), {}),
        (([100.0] * 5, [300.0] * 5), {"means": 0.0}),  # scaled, or a sum
        (([100.0] * 5, [300.0] * 5), {"wrapper": False, "alike": False}),
    ],
)
def test_right_ones_are_silent(counts: Any, given: dict[str, Any]) -> None:
    assert found(*counts, **given) == []
