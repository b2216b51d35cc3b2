"""Unit tests of `ranks-draw-same-random`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.ranks_draw_same_random import RanksDrawSameRandom
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = RanksDrawSameRandom()
LINE = Site("train.py", 20)


def found(before: Any, after: Any, *, alike: bool = True) -> list[Finding]:
    """What is said of two ranks with these states before, and after."""
    trainings = []
    events: list[Event[Any]] = []
    for n in (0, 1):
        training = make_training(
            index=n, process=n, grad_norm={"0.weight": [1.0] * len(before[n])},
            grad_fingerprint=[float(i if alike else i + n) for i in range(len(before[n]))],
            random_state=before[n], random_state_after=after[n],
        )  # fmt: skip
        training.rank = n
        trainings.append(training)
        events.append(Event("seed", 0, {"of": "torch", "value": 1}, LINE, process=n))
        events.append(Event("seed", 0, {"of": "random", "value": 1}, process=n))
    run = make_run(*trainings, events=events, facts={"world": 2})
    return list(CHECK.review(run))


def test_the_same_numbers() -> None:
    row, later = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 3.0, 4.0, 5.0, 6.0]
    (finding,) = found((row, row), (later, later))
    assert finding.summary == (
        "all 2 ranks drew the same random numbers in 5 of the 5 steps that were compared"
    )
    assert finding.where.site == LINE
    others = [7.0, *later[1:]]
    assert found((row, row), (later, others)) == [], "in four of five steps, which is too few"


@pytest.mark.parametrize(
    ("before", "after", "alike"),
    [
        (([1.0] * 5, [1.0] * 5), ([1.0] * 5, [1.0] * 5), True),  # nothing was drawn
        (([1.0] * 5, [2.0] * 5), ([3.0] * 5, [3.0] * 5), True),
        (([1.0] * 3, [1.0] * 3), ([2.0] * 3, [2.0] * 3), True),
        (([1.0] * 5, [1.0] * 5), ([2.0] * 5, [2.0] * 5), False),  # each trains by itself
        (([], []), ([], []), True),
    ],
)
def test_right_ones_are_silent(before: Any, after: Any, alike: bool) -> None:
    assert found(before, after, alike=alike) == []
