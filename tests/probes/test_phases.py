"""Windows of samples: what begins, or changes, in the middle of a run is looked at closely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.watching.probe import Probe

CHANGE = 500
"""The step after which something changes: the plan's samples are 15 iterations apart here."""


class Diary(Probe):
    """Writes down which iterations were sampled from their first module on."""

    name = "diary"
    sampled: ClassVar = ("root_begin",)
    pages: ClassVar[list[int]] = []

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        if not self.pages or self.pages[-1] != self.watch.iteration:
            self.pages.append(self.watch.iteration)


class Script:
    """A training of some hundred steps that something happens to."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))
        self.x, self.y = torch.randn(64, 4), torch.randint(0, 3, (64,))
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01)

    def step(self) -> None:
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(self.x), self.y).backward()
        self.optimizer.step()


def sampled(watched: Any, change: Callable[[Script], None], steps: int = 600) -> list[int]:
    Diary.pages.clear()
    with watched(Diary):
        script = Script()
        for number in range(steps):
            if number == CHANGE:
                change(script)
            script.step()
    return list(Diary.pages)


def new_optimizer(script: Script) -> None:
    script.optimizer = torch.optim.Adam(script.model.parameters(), 1e-3)


def new_group(script: Script) -> None:
    script.optimizer.add_param_group({"params": [nn.Parameter(torch.ones(2))]})


def other_weights(script: Script) -> None:
    script.model.load_state_dict({k: 2 * v for k, v in script.model.state_dict().items()})


def left_in_evaluation(script: Script) -> None:
    script.model.eval()


def another_rate(script: Script) -> None:
    script.optimizer.param_groups[0]["lr"] /= 2


def other_data(script: Script) -> None:
    script.x = script.x * 1000


def broken_data(script: Script) -> None:
    script.x = script.x * float("inf")


def frozen(script: Script) -> None:
    script.model[0].requires_grad_(False)


CHANGES = [
    (new_optimizer, 30),
    (new_group, 7),
    (other_weights, 7),
    (another_rate, 7),
    (other_data, 7),
    (broken_data, 7),
]


@pytest.mark.parametrize(("change", "least"), CHANGES, ids=lambda v: getattr(v, "__name__", v))
def test_a_change_opens_a_window(watched: Any, change: Any, least: int) -> None:
    quiet = sampled(watched, lambda script: None)
    assert len([at for at in quiet if CHANGE <= at < CHANGE + 35]) <= 4
    seen = sampled(watched, change)
    assert [at for at in seen if at <= CHANGE - 1] == [at for at in quiet if at <= CHANGE - 1]
    window = [at for at in seen if CHANGE <= at < CHANGE + 35]
    assert len(window) >= least
    assert window[0] <= CHANGE + 1
    assert list(range(window[1], window[1] + least - 1)) == window[1:least]


@pytest.mark.parametrize("change", [left_in_evaluation, frozen])
def test_what_only_a_sample_sees_opens_one_then(watched: Any, change: Any) -> None:
    seen = sampled(watched, change)
    after = [at for at in seen if at >= CHANGE]
    first = after[0]
    assert first <= CHANGE + 45
    assert after[1:8] == list(range(first + 1, first + 8))


def test_a_second_training_is_sampled_like_the_first(watched: Any) -> None:
    seen = sampled(watched, new_optimizer, steps=2 * CHANGE)
    first = [at for at in seen if at < CHANGE]
    second = [at for at in seen if at >= CHANGE]
    assert abs(len(first) - len(second)) <= 4
    assert {CHANGE + i for i in range(1, 32)} <= set(second)


def test_epochs_and_evaluations(watched: Any) -> None:
    Diary.pages.clear()
    with watched(Diary):
        script = Script()
        data = torch.utils.data.TensorDataset(script.x, script.y)
        for _ in range(40):
            script.model.train()
            for x, y in torch.utils.data.DataLoader(data, batch_size=4):
                script.optimizer.zero_grad()
                F.cross_entropy(script.model(x), y).backward()
                script.optimizer.step()
            script.model.eval()
            with torch.no_grad():
                script.model(script.x)
    firsts = [at for at in Diary.pages if at % 16 == 0]
    assert len(firsts) >= 25


def test_two_players_are_both_seen_all_along(watched: Any) -> None:
    Diary.pages.clear()
    with watched(Diary):
        one, two = Script(), Script()
        for number in range(800):
            (one, two)[number % 2].step()
    later = [at % 2 for at in Diary.pages if at > 100]
    assert min(later.count(0), later.count(1)) >= 0.3 * len(later)
