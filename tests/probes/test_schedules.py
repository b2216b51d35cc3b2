"""Schedulers: what is kept of their settings, and which of their steps are written."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from assay.probes.optimizer.optimizers import Optimizers
from assay.probes.schedule import schedules
from assay.probes.schedule.schedules import Schedules, _is_plain, _number

from .conftest import Watching
from .test_structure_facts import here


class Odd:
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, True), (0.5, True), ("max", True), (True, True), (None, False), (Odd(), False),
        ([1, 2.0, "a"], True), ((1, 2), True), ([1, Odd()], False), ([], True), ([0.1] * 16, True),
        ([0.1] * 17, False), ({"a": 1}, False),
    ],
)  # fmt: skip
def test_settings_that_are_plain(value: Any, expected: bool) -> None:
    assert _is_plain(value) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.5, 0.5), (2, 2.0), ("0.25", 0.25), (torch.tensor(0.5), 0.5), (torch.tensor([3]), 3.0),
        (torch.ones(2), None), (torch.ones((), device="meta"), None), (None, None), ("no", None),
        (torch.ones(1, 2), None),
    ],
)  # fmt: skip
def test_metrics_that_are_numbers(given: Any, expected: float | None) -> None:
    assert _number(given) == expected


def make() -> tuple[nn.Parameter, torch.optim.Optimizer]:
    weight = nn.Parameter(torch.ones(2))
    return weight, torch.optim.SGD([weight], lr=0.1)


def step(weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    weight.sum().backward()
    optimizer.step()


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    text = "".join(p.read_text("utf-8") for p in sorted(folder.glob("run*/journal-*.jsonl")))
    every = [json.loads(line) for line in text.splitlines()]
    return [line for line in every if line["k"] == kind]


def test_steps_are_written_ever_more_rarely(watched: Watching, tmp_path: Path) -> None:
    with watched(Optimizers, Schedules) as seen:
        weight, optimizer = make()
        scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.99)
        for _ in range(30):
            step(weight, optimizer)
            step(weight, optimizer)
            scheduler.step()
    found = lines(tmp_path, "scheduled")
    assert [(line["count"], line["s"]) for line in found] == [
        (n, 2 * n) for n in (*range(1, 12), 13, 15, 17, 19, 21, 24, 27, 30)
    ]
    assert {line["n"] for line in found} == {0}
    assert {line["metric"] for line in found} == {None}
    assert seen.view.schedulers[0].settings["gamma"] == 0.99


def test_the_last_count_is_written_at_the_end(watched: Watching, tmp_path: Path) -> None:
    with watched(Optimizers, Schedules):
        weight, optimizer = make()
        _, other = make()
        scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.99)
        lr_scheduler.ExponentialLR(other, gamma=0.9)  # never steps
        for _ in range(12):
            step(weight, optimizer)
            scheduler.step()
        step(weight, optimizer)
    *_, before, last = lines(tmp_path, "scheduled")
    assert (before["count"], before["s"]) == (11, 11)
    assert (last["n"], last["count"], last["s"]) == (0, 12, 13)


def test_a_count_that_is_written_is_not_written_again(watched: Watching, tmp_path: Path) -> None:
    with watched(Optimizers, Schedules):
        weight, optimizer = make()
        scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.99)
        step(weight, optimizer)
        scheduler.step()
    assert [line["count"] for line in lines(tmp_path, "scheduled")] == [1]


def test_each_scheduler_counts_by_its_own_optimizer(watched: Watching, tmp_path: Path) -> None:
    with watched(Optimizers, Schedules):
        pairs = [make(), make()]
        schedulers = [lr_scheduler.ExponentialLR(o, gamma=0.9) for _, o in pairs]
        for _ in range(3):
            step(*pairs[0])
        step(*pairs[1])
        for scheduler in schedulers:
            scheduler.step()
        _, waiting = make()
        idle = lr_scheduler.ExponentialLR(waiting, gamma=0.9)
        with pytest.warns(UserWarning, match="before `optimizer"):
            idle.step()
    built = [(line["n"], line["built"]) for line in lines(tmp_path, "scheduler")]
    assert built == [(0, 0), (1, 1), (2, 2)]
    found = [(line["n"], line["s"]) for line in lines(tmp_path, "scheduled")]
    assert found == [(0, 3), (1, 1), (2, 0)]


def test_metrics_are_bounded_and_then_steps_are_still_counted(
    watched: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "METRICS_AT_MOST", 3)
    with watched(Optimizers, Schedules) as seen:
        weight, optimizer = make()
        step(weight, optimizer)
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer)
        for metric in range(30):
            scheduler.step(float(metric))
    found = [(line["count"], line["metric"]) for line in lines(tmp_path, "scheduled")]
    assert found[:3] == [(1, 0.0), (2, 1.0), (3, 2.0)]
    assert [count for count, _ in found] == [*range(1, 12), 13, 15, 17, 19, 21, 24, 27, 30]
    assert seen.view.schedulers[0].steps == 30


def test_a_metric_is_kept_of_a_plateau_alone(watched: Watching, tmp_path: Path) -> None:
    with watched(Optimizers, Schedules):
        weight, optimizer = make()
        scheduler = lr_scheduler.LambdaLR(optimizer, float)
        step(weight, optimizer)
        with pytest.warns(UserWarning, match="epoch"):
            scheduler.step(3)
    assert [line["metric"] for line in lines(tmp_path, "scheduled")] == [None]


def test_schedulers_are_bounded(
    watched: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "SCHEDULERS_AT_MOST", 2)
    with watched(Schedules):
        weight, optimizer = make()
        kept = [lr_scheduler.ExponentialLR(optimizer, gamma=0.9) for _ in range(3)]
        step(weight, optimizer)
        for scheduler in kept:
            scheduler.step()
    assert [line["n"] for line in lines(tmp_path, "scheduler")] == [0, 1]
    assert {line["n"] for line in lines(tmp_path, "scheduled")} == {0, 1}


def test_what_is_no_setting_is_left_out(watched: Watching, tmp_path: Path) -> None:
    with watched(Schedules):
        weight, optimizer = make()
        step(weight, optimizer)
        lr_scheduler.MultiStepLR(optimizer, milestones=[3, 5], gamma=0.5)
        lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=0.01)
        at = here() - 1
    first, second = lines(tmp_path, "scheduler")
    assert (first["cls"], first["settings"]) == (
        "MultiStepLR",
        {"milestones": [3, 5], "gamma": 0.5},
    )
    assert second["site"][1] == at
    assert second["settings"]["min_lrs"] == [0.01]
    assert not {"best", "num_bad_epochs", "last_epoch", "optimizer"} & second["settings"].keys()
    assert not any(key.startswith("_") for key in second["settings"])


def test_a_line_that_has_a_framework_step_it_is_not_the_scripts_own(watched: Watching) -> None:
    with watched(Optimizers, Schedules) as seen:
        weight, optimizer = make()
        scheduler = lr_scheduler.StepLR(optimizer, 1)
        step(weight, optimizer)
        scheduler.step()
        with ExitStack() as stack:
            stack.callback(scheduler.step)
            step(weight, optimizer)
    (found,) = seen.view.schedulers
    assert [(line.count, line.own) for line in found.lines] == [(1, True), (1, False)]
    assert found.step_site == found.lines[0].site
    found.lines = found.lines[1:]
    assert found.step_site is None
