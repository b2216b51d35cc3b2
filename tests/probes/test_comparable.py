"""Losses and errors of a trial: which steps have them, and what of."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from assay.probes.run import comparable
from assay.probes.run.comparable import Comparable, loss_alike, wrong_share

from .conftest import Watching

OUT = torch.tensor([[4.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 0.0, 1.0]])
LABELS = torch.tensor([0, 1, 1, 2])


class Loop:
    """Steps of one weight, whose loss is whatever is asked for."""

    def __init__(self) -> None:
        self.weight = nn.Parameter(torch.zeros(()))
        self.optimizer = torch.optim.SGD([self.weight], lr=0.0)

    def step(self, *losses: Any) -> None:
        self.optimizer.zero_grad()
        sum(losses, self.weight * 0).backward()  # type: ignore[union-attr]
        self.optimizer.step()

    def level(self, value: float) -> torch.Tensor:
        """A squared error of `value`, which depends on the weight."""
        return F.mse_loss(self.weight + torch.full((2,), value**0.5), torch.zeros(2))


def test_the_mean_over_the_losses_of_a_step(watched: Watching) -> None:
    with watched(Comparable) as seen:
        loop = Loop()
        loop.step(loop.level(1.0))
        loop.step(loop.level(2.0), loop.level(4.0), loop.level(6.0))
        loop.step(loop.weight * 2)
        F.mse_loss(torch.ones(2), torch.zeros(2))  # of no step: the next one's
        loop.step(loop.level(3.0))
    alike = seen.view.trainings[0].series("loss_alike")
    assert list(alike.steps) == [0, 1, 3]
    assert list(alike.values) == pytest.approx([1.0, 4.0, 2.0], rel=1e-6)


def test_losses_of_an_evaluation_do_not_count(watched: Watching) -> None:
    with watched(Comparable) as seen:
        loop = Loop()
        loop.step(loop.level(1.0))
        with torch.no_grad():
            loop.level(9.0)
        loop.step(loop.level(1.0))
    assert list(seen.view.trainings[0].series("loss_alike").values) == pytest.approx([1.0, 1.0])


def test_classes_have_an_error_too(watched: Watching) -> None:
    with watched(Comparable) as seen:
        loop = Loop()
        loop.step(F.cross_entropy(OUT + loop.weight, LABELS, label_smoothing=0.5))
        loop.step(F.cross_entropy(OUT + loop.weight, LABELS, ignore_index=2))
    training = seen.view.trainings[0]
    expected = [float(F.cross_entropy(OUT.double(), LABELS)),
                float(F.cross_entropy(OUT.double(), LABELS, ignore_index=2))]  # fmt: skip
    assert list(training.series("loss_alike").values) == pytest.approx(expected, rel=1e-5)
    assert list(training.series("training_error").values) == pytest.approx([2 / 4, 1 / 3])


def test_later_steps_are_measured_ever_more_rarely(
    watched: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparable, "DENSE_STEPS", 5)
    with watched(Comparable) as seen:
        loop = Loop()
        for number in range(30):
            loop.step(loop.level(float(number)))
    alike = seen.view.trainings[0].series("loss_alike")
    assert list(alike.steps) == [0, 1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 26]
    assert list(alike.values) == pytest.approx([float(step) for step in alike.steps], rel=1e-5)


def test_what_a_skipped_step_saw_is_forgotten(watched: Watching) -> None:
    with watched(Comparable) as seen:
        loop = Loop()
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for value in (1.0, float("inf"), 3.0):
            loop.optimizer.zero_grad()
            scaler.scale(loop.level(value)).backward()
            scaler.step(loop.optimizer)
            scaler.update()
    alike = seen.view.trainings[0].series("loss_alike")
    assert list(alike) == [(0, pytest.approx(1.0)), (1, pytest.approx(3.0))]


def test_each_training_has_its_own(watched: Watching) -> None:
    with watched(Comparable) as seen:
        one, two = Loop(), Loop()
        one.step(one.level(1.0))
        two.step(two.level(5.0))
        two.step(two.level(6.0))
    found = [list(training.series("loss_alike").values) for training in seen.view.trainings]
    assert found == [pytest.approx([1.0]), pytest.approx([5.0, 6.0])]


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("cross_entropy", OUT, OUT),
        ("cross_entropy", OUT, LABELS.reshape(2, 2)),
        ("cross_entropy", OUT[0], LABELS[0]),
        ("mse_loss", OUT, OUT[:2]),
        ("binary_cross_entropy", OUT, OUT[:, :2]),
        ("kl_div", OUT, OUT),
    ],
)
def test_where_it_is_not_known(name: str, source: torch.Tensor, target: torch.Tensor) -> None:
    assert loss_alike(name, source, target, -100) is None
    assert wrong_share(name, source, target, -100) is None


@pytest.mark.parametrize(
    ("name", "source", "target", "ignored", "expected"),
    [
        ("cross_entropy", OUT, LABELS, -100, 2 / 4),
        ("multi_margin_loss", OUT, LABELS, -100, 2 / 4),
        ("nll_loss", OUT, LABELS, 1, 1 / 2),
        ("cross_entropy", OUT.reshape(2, 2, 3).transpose(1, 2), LABELS.reshape(2, 2), -100, 2 / 4),
        ("binary_cross_entropy", torch.tensor([0.4, 0.6, 0.6]), torch.tensor([0.0, 1.0, 0.4]), 0,
         1 / 3),
        ("binary_cross_entropy_with_logits", torch.tensor([0.4, -0.6]), torch.tensor([0.0, 0.0]), 0,
         1 / 2),
    ],
)  # fmt: skip
def test_wrong_answers(
    name: str, source: torch.Tensor, target: torch.Tensor, ignored: int, expected: float
) -> None:
    found = wrong_share(name, source, target, ignored)
    assert found is not None
    assert float(found) == pytest.approx(expected)
