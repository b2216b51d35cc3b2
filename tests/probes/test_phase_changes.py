"""What opens a window of samples, told by hand: rates, modes, freezing, one training or several."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from assay.watching.phases import ALONE_FOR, Phases, _differs


class Script:
    """Notes what is asked of the plan; `grants` is what it answers."""

    def __init__(self, *, taken: int = 1, grants: bool = True) -> None:
        self.asked: list[Any] = []
        self.told: list[Any] = []
        self.armed: list[int] = []
        self.canceled = self.forgotten = 0
        self.clock: Any = SimpleNamespace(
            iteration=10, stepped=True, fast=SimpleNamespace(cancel=self._cancel),
            range=SimpleNamespace(forget=self._forget),
        )  # fmt: skip
        self.plan: Any = SimpleNamespace(
            taken=taken,
            open=lambda at: self._asks("open", at, grants),
            request=lambda at, *cause: self._asks(cause, at, grants),
            request_one=lambda at, cause: self._asks(f"one: {cause}", at, grants),
        )
        self.sampling: Any = SimpleNamespace(
            plan=self.plan, active=True, arm_if_due=self.armed.append
        )
        hub: Any = SimpleNamespace(emit=lambda *what: self.told.append(what))
        self.phases = Phases(hub, self.clock, self.sampling)

    def _asks(self, cause: Any, at: int, grants: bool) -> bool:
        self.asked.append((cause, at))
        return grants

    def _cancel(self, why: str) -> None:
        self.canceled += 1

    def _forget(self) -> None:
        self.forgotten += 1


@pytest.mark.parametrize(
    ("rate", "before", "differs"),
    [(0.1, 0.1, False), (0.1, 0.19, False), (0.1, 0.2, True), (0.19, 0.1, False), (0.2, 0.1, True),
     (0.0, 0.0, False), (0.0, 0.1, True), (0.1, 0.0, True)],
)  # fmt: skip
def test_a_rate_that_is_another(rate: float, before: float, differs: bool) -> None:
    assert _differs(rate, before) is differs


@pytest.mark.parametrize("grants", [True, False])
def test_what_is_granted_is_seen_from_its_start(grants: bool) -> None:
    script = Script(grants=grants)
    script.phases.loss_leaves_range()
    assert script.asked == [(("loss",), 10)]
    assert (script.armed, script.canceled) == (([11], 1) if grants else ([], 0))
    script = Script(grants=grants)
    script.clock.stepped = False
    script.phases.loss_leaves_range()
    assert (script.armed, script.canceled) == ([], int(grants))


@pytest.mark.parametrize("taken", [0, 1])
def test_only_once_something_was_sampled(taken: int) -> None:
    script = Script(taken=taken)
    phases = script.phases
    phases.on_optimizer_created(None)
    phases.on_group_added(None)
    phases.on_load_state(nn.ReLU(), None)
    phases.on_loader_begin(None)
    phases.on_mode(nn.ReLU(), training=False)
    assert script.asked == [
        (("optimizer", 2), 10), (("group added",), 10), (("weights loaded",), 10),
        ("one: epoch", 10), ("one: evaluation", 11),
    ] * taken  # fmt: skip


def test_another_training_has_an_opening() -> None:
    for iteration, grants, opened, forgotten in (
        (0, True, 0, 0), (1, True, 1, 1), (10, False, 1, 0),
    ):  # fmt: skip
        script = Script(grants=grants)
        script.clock.iteration = iteration
        script.phases.on_training_found(None, None)  # type: ignore[arg-type]
        assert (len(script.asked), script.forgotten) == (opened, forgotten)
        assert len(script.armed) == forgotten


def test_weights_of_what_is_no_module() -> None:
    script = Script()
    script.phases.on_load_state(torch.optim.SGD, None)
    assert script.asked == []


def test_an_epoch_is_no_evaluation() -> None:
    script = Script()
    with torch.no_grad():
        script.phases.on_loader_begin(None)
    script.phases.on_mode(nn.ReLU(), training=False)
    script.phases.on_loader_begin(None)
    assert script.asked == [("one: evaluation", 11)]
    script.phases.step_ends(training(), [0.1])
    script.phases.on_loader_begin(None)
    assert script.asked[1:] == [("one: epoch", 10)]


def test_modes_that_are_switched() -> None:
    script, module = Script(), nn.ReLU()
    script.phases.on_mode(module, training=True)  # as it was
    assert script.asked == []
    for mode in (False, False, True, True, False):
        script.phases.on_mode(module, training=mode)
    assert [cause for cause, _ in script.asked] == [
        "one: evaluation", "one: training again", "one: evaluation",
    ]  # fmt: skip
    assert (script.armed, script.canceled) == ([11], 3)


def test_modes_of_parts_from_sample_to_sample() -> None:
    script, model = Script(), nn.Sequential(nn.ReLU(), nn.Dropout())
    script.phases.look_at_modes(model)
    script.phases.look_at_modes(model)
    assert script.asked == []
    model[1].eval()
    script.phases.look_at_modes(model)
    script.phases.look_at_modes(model)
    assert script.asked == [(("modes",), 10)]


def training(*rates: float, optimizer: Any = None, index: int = 0) -> Any:
    return SimpleNamespace(index=index, rates=list(rates), optimizer=lambda: optimizer)


def test_rates_that_change() -> None:
    script, optimizer = Script(), SimpleNamespace(param_groups=[])
    for rates, last in (([0.1, 0.01], []), ([0.15], [0.1]), ([None, 0.25], [0.15]), ([0.3], [0.25]),
                        ([], [0.3])):  # fmt: skip
        script.phases.step_ends(training(*last, optimizer=optimizer), rates)  # type: ignore[arg-type]
    # 0.25 is more than twice 0.1, and 0 less than half of 0.25
    assert script.asked == [(("rate",), 10), (("rate",), 10)]
    assert [what[0] for what in script.told] == ["rate_changed"]
    assert script.told[0][2:] == (optimizer, 0.3, 0.0)
    script.phases.step_ends(training(0.0, index=1), [0.0])
    script.phases.step_ends(training(0.1), [0.3])
    assert len(script.told) == 1  # its optimizer is gone


def test_parameters_that_are_frozen_or_thawed() -> None:
    script = Script()
    one, two = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    groups = [{"params": [one]}, {"params": [two]}]
    log = training(0.1, optimizer=SimpleNamespace(param_groups=groups))
    script.phases.step_ends(log, [0.1])
    two.requires_grad_(False)
    script.sampling.active = False
    script.phases.step_ends(log, [0.1])
    assert script.asked == []
    script.sampling.active = True
    script.phases.step_ends(log, [0.1])
    script.phases.step_ends(log, [0.1])
    assert script.asked == [(("frozen or thawed",), 10)]
    two.requires_grad_(True)
    script.phases.step_ends(log, [0.1])
    assert len(script.asked) == 2


@pytest.mark.parametrize(
    ("took_over", "now", "alone"),
    [
        ([0], ALONE_FOR, True),
        ([0], ALONE_FOR - 1, False),
        ([100], 100 + ALONE_FOR - 1, True),
        ([100, 100 + 2 * ALONE_FOR], 100 + 2 * ALONE_FOR, True),
        ([100, 99 + 2 * ALONE_FOR], 100 + 2 * ALONE_FOR, False),
        ([100, 101, 102], 103, False),
        ([100, 101, 102], 102 + ALONE_FOR, True),
    ],
)
def test_one_training_after_another_and_two_players(
    took_over: list[int], now: int, alone: bool
) -> None:
    script = Script()
    log = training()
    for at in took_over:
        script.clock.iteration = at
        script.phases.takes_over(log)
    script.clock.iteration = now
    assert script.phases.alone() is (log if alone else None)
