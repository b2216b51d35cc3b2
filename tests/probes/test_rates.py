"""What changed a rate: a scheduler, a state that was loaded, or a line of the script."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.schedule.rates import Rates
from assay.watching.rate_lines import RateLine, _assignments


def line_of(text: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def train(change: Callable[[Any], None], steps: int = 6, at: int = 3) -> None:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for step in range(steps):
        if step == at:
            change(optimizer)
        optimizer.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()


def by_factor(optimizer: Any) -> None:
    optimizer.param_groups[0]["lr"] *= 30  # here, by a factor


def by_value(optimizer: Any) -> None:
    for group in optimizer.param_groups:
        group["lr"] = 0.731  # here, a value; no other module of the process sets this one


def by_scheduler(optimizer: Any) -> None:
    built = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=50.0)  # here, a scheduler
    optimizer.step()
    built.step()


def by_state(optimizer: Any) -> None:
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0]["lr"] = 0.9
    optimizer.load_state_dict(state)  # here, a state


@pytest.mark.parametrize(
    ("change", "by", "at"),
    [
        (by_factor, "script", "# here, by a factor"),
        (by_value, "script", "# here, a value;"),
        (by_scheduler, "scheduler", "# here, a scheduler"),
        (by_state, "load_state", "# here, a state"),
    ],
)
def test_the_line_that_set_it_is_named(
    change: Callable[[Any], None], by: str, at: str, watched: Any
) -> None:
    with watched(Rates) as seen:
        train(change)
    (event,) = seen.view.events("rate_changed")
    assert event.step == (4 if change is by_scheduler else 3)
    assert (event.data["by"], event.data["before"]) == (by, 0.01)
    assert event.data["line"][1] == line_of(at)


def test_a_fall_is_written_without_a_search(watched: Any) -> None:
    def halved(optimizer: Any) -> None:
        optimizer.param_groups[0]["lr"] /= 4

    with watched(Rates) as seen:
        train(halved)
    (event,) = seen.view.events("rate_changed")
    assert (event.data["after"], event.data["line"]) == (0.0025, None)


def test_a_gentle_schedule_is_not_written(watched: Any) -> None:
    def gently(optimizer: Any) -> None:
        optimizer.param_groups[0]["lr"] *= 1.9

    with watched(Rates) as seen:
        train(gently)
    assert list(seen.view.events("rate_changed")) == []


SOURCE = """
def adjust(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * epoch
        group["lr"] = 0.5
        group["lr"] /= 10
        group["lr"] += 0.1
        group["momentum"] = 0.9
        group.update(lr=1.0)
        group.update({"lr": 1.0})
"""


def test_every_spelling_of_an_assignment_is_found() -> None:
    found = list(_assignments(ast.parse(SOURCE), "a.py", "<module>"))
    assert [line[1:] for line in found] == [
        (4, "adjust", None, None),
        (5, "adjust", 0.5, None),
        (6, "adjust", None, 0.1),
        (7, "adjust", None, None),
        (9, "adjust", None, None),
        (10, "adjust", None, None),
    ]


@pytest.mark.parametrize(
    ("value", "factor", "before", "after", "may"),
    [
        (0.5, None, 0.1, 0.5, True),
        (0.5, None, 0.1, 0.6, False),
        (None, 20.0, 0.1, 2.0, True),
        (None, 20.0, 0.1, 1.0, False),
        (None, None, 0.1, 1.0, True),
    ],
)
def test_a_number_that_does_not_fit_rules_a_line_out(
    value: float | None, factor: float | None, before: float, after: float, may: bool
) -> None:
    assert RateLine("a.py", 1, "f", value, factor).may_have_set(before, after) is may
