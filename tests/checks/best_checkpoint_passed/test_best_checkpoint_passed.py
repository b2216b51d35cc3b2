"""Unit tests of `best-checkpoint-passed`, on invented runs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assay.checks.generalisation.best_checkpoint_passed import BestCheckpointPassed
from assay.journal.view import Evaluation, RunView
from assay.testing import make_run, make_training

CHECK = BestCheckpointPassed()
TURNED = [1.0, 0.8, 0.5, 0.6, 0.7, 0.61, 0.61, 0.61]


def run(losses: Sequence[float | None], kept: Sequence[int] = ()) -> RunView:
    evaluations = [Evaluation(10 * i, "mse_loss", v, None, 9) for i, v in enumerate(losses)]
    return make_run(
        make_training(
            evaluations=evaluations,
            steps=10 * len(losses),
            weights_kept=dict.fromkeys(kept, 1.0),
        )
    )


@pytest.mark.parametrize("kept", [(), (10, 30, 80)])
def test_the_best_is_gone(kept: tuple[int, ...]) -> None:
    (finding,) = CHECK.review(run(TURNED, kept))
    assert "0.5, at step 20 (evaluation 3 of 8)" in finding.summary
    assert ("never" in finding.summary) is not bool(kept)


@pytest.mark.parametrize(
    ("losses", "kept"),
    [
        pytest.param(TURNED, (20,), id="kept at the best"),
        pytest.param(TURNED, (29,), id="before the next"),
        pytest.param([*TURNED[:-1], 0.59], (), id="just under"),
        pytest.param(TURNED[:5], (), id="few"),
        pytest.param([1.0] * 7 + [0.5, 1.0], (), id="late"),
        pytest.param([-1.0] * 8, (), id="not positive"),
        pytest.param([None] * 8, (), id="not a number"),
        pytest.param([], (), id="empty"),
    ],
)
def test_other_runs_are_silent(losses: list[float | None], kept: tuple[int, ...]) -> None:
    assert list(CHECK.review(run(losses, kept))) == []
