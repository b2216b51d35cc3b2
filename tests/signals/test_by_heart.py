"""Losses that fall over epochs, and those that fall only from one epoch to the next."""

from __future__ import annotations

import pytest

from assay.journal.view import Event, RunView
from assay.signals.by_heart import over_epochs, steps_of_epoch
from assay.testing import make_run, make_training

EPOCH = 12


def sawtooth(rise: float, drop: float, epochs: int = 4) -> list[float]:
    """Losses that rise from the first to the last step of an epoch, and drop to the next."""
    return [
        1 + epoch * (rise - drop) + (rise * at / (EPOCH - 1) if epoch else 0)
        for epoch in range(epochs)
        for at in range(EPOCH)
    ]


def test_what_falls_from_one_epoch_to_the_next() -> None:
    seen = over_epochs(sawtooth(rise=0.1, drop=0.2), EPOCH)
    assert seen is not None
    assert seen.first == 1
    assert seen.epochs == 4
    third = 0.1 * (EPOCH - 4) / (EPOCH - 1)
    assert seen.within == pytest.approx(-3 * third)
    assert seen.between > seen.fall > 0


def test_what_falls_at_each_step() -> None:
    losses = [1 - 0.4 * step / 48 for step in range(48)]
    seen = over_epochs(losses, EPOCH)
    assert seen is not None
    assert seen.within > seen.between > 0
    assert seen.first < 1


def test_epochs_after_the_loss_has_fallen_to_a_half_are_left_out() -> None:
    seen = over_epochs([1.0] * EPOCH + [0.4] * EPOCH + [5.0] * EPOCH, EPOCH)
    assert seen is not None
    assert (seen.epochs, seen.fall) == (2, pytest.approx(0.6))


@pytest.mark.parametrize(("losses", "epoch"), [([], 12), ([1.0] * 23, 12), ([1.0] * 9, 2)])
def test_fewer_than_two_epochs_tell_nothing(losses: list[float], epoch: int) -> None:
    assert over_epochs(losses, epoch) is None


def run(steps: list[int], orders: list[int] | None = None, *, whole: bool = True) -> RunView:
    events = [
        Event("epoch", at, {"loader": 0, "order": order, "whole": whole})
        for at, order in zip(steps, orders or range(len(steps)), strict=True)
    ]
    return make_run(make_training(loss=[1.0] * 60), events=events)


@pytest.mark.parametrize(
    ("steps", "orders", "expected"),
    [
        ([20, 40, 60], None, 20),
        ([20, 40], None, None),  # too few
        ([20, 41, 60], None, None),  # of unequal length
        ([40, 60, 80], None, None),  # something else was learnt before
        ([20, 40, 60], [1, 1, 1], None),  # the same order each time
    ],
)
def test_how_long_an_epoch_is(
    steps: list[int], orders: list[int] | None, expected: int | None
) -> None:
    view = run(steps, orders)
    assert steps_of_epoch(view, view.trainings[0]) == expected


def test_passes_that_were_left_are_no_epochs() -> None:
    view = run([20, 40, 60], whole=False)
    assert steps_of_epoch(view, view.trainings[0]) is None
