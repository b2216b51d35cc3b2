"""Unit tests of `loss-oscillating`, on invented runs."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.loss_oscillating import LossOscillating
from assay.journal.view import Event
from assay.testing import make_run, make_training

CHECK = LossOscillating()
SWING, STEPS = CHECK.limit("swing"), int(CHECK.limit("steps"))
NOISE = random.Random(0)


def found(loss: list[float], **loader: Any) -> list[Finding]:
    events = [Event("loader", 0, loader)] if loader else []
    return list(CHECK.review(make_run(loss=loss, events=events)))


def swinging(swing: float, steps: int = STEPS, fall: float = 0.0) -> list[float]:
    return [1 - fall * i + swing * (-1) ** i for i in range(steps)]


def test_at_the_limit() -> None:
    (finding,) = found(swinging(SWING * 1.001))
    assert (finding.severity, finding.preview, finding.steps) == ("note", True, (75, 149))
    assert finding.summary.startswith(
        "the loss went up and down from step to step, by 1% of its mean: in the second half "
        "neighbours correlate by -0.9"
    )


def test_just_under_the_limit() -> None:
    assert found(swinging(SWING * 0.99)) == []
    assert found(swinging(0.3, STEPS - 1)) == []


def test_noise_and_slow_waves_are_silent() -> None:
    assert found([1 + NOISE.gauss(0, 0.3) for _ in range(400)]) == []
    assert found([1 + 0.3 * math.sin(i / 5) for i in range(400)]) == []


def test_a_loss_that_falls_all_the_while_is_silent() -> None:
    assert found(swinging(0.1, 400, fall=0.002)) == []


def test_an_epoch_of_two_batches_swings_by_itself() -> None:
    assert found(swinging(0.3), size=64, batch_size=32) == []
    assert len(found(swinging(0.3), size=65, batch_size=32)) == 1


def test_players_are_silent() -> None:
    other = [2 * value for value in swinging(0.3)]
    players = [make_training(index=0, loss=swinging(0.3)), make_training(index=1, loss=other)]
    assert list(CHECK.review(make_run(*players))) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5, [1.0] * 200, [0.0] * 200])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert found(loss) == []
    assert found([*swinging(0.3), math.nan]) == []
