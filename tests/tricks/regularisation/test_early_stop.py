"""early-stop against a loop that stops by itself."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import pytest
import torch
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    Record,
    World,
    assert_same,
    attach,
    differs,
    in_script,
    read,
    record_of,
)
from torch import nn
from torch.nn import functional as F

ATTACHED = pytest.mark.parametrize("attached", [False, True])
LEAST, STEPS = 0.15, 16
# a closure whose step is held back returns no loss, which that workload needs: see below
LOOPS = [name for name in STEPPING if name != "closure"]


def evaluated(world: World, judge: Callable[[float], bool]) -> Record:
    """An evaluation after each step, until the judge or the end of the data says stop."""
    losses: list[float] = []
    for t in range(STEPS):
        try:
            losses.append(world.step(t))
        except StopIteration:  # what a `for` over the loader would end with
            break
        if judge(world.evaluate()):
            break
    return record_of(world, losses)


def stopped_by_hand(workload: str, patience: int) -> Record:
    world = WORKLOADS[workload](Hand())
    best, waited, kept = math.inf, 0, world.model.state_dict()

    def judge(loss: float) -> bool:
        nonlocal best, waited, kept
        if loss < best - LEAST:
            best, waited, kept = loss, 0, copy.deepcopy(world.model.state_dict())
            return False
        waited += 1
        if waited == patience:
            world.model.load_state_dict(kept)
        return waited == patience

    return evaluated(world, judge)


def never(loss: float) -> bool:
    return False


def stopped(workload: str, trick: str, attached: bool) -> Record:
    with nullcontext() if attached else in_script(trick):
        world = WORKLOADS[workload](Hand())
        objects = world.model, *world.optimizers
        with attach([read(trick)], objects) if attached else nullcontext():
            return evaluated(world, never)


def same_until_the_stop(workload: str, attached: bool) -> None:
    expected = stopped_by_hand(workload, 2)
    found = stopped(workload, f"early-stop=2,min-delta={LEAST}", attached)
    assert 2 < len(expected.losses) < STEPS
    found.losses = found.losses[: len(expected.losses)]  # the script goes on, with the best weights
    assert_same(expected, found)
    assert differs(expected, evaluated(WORKLOADS[workload](Hand()), never))


@ATTACHED
@pytest.mark.parametrize("workload", LOOPS)
def test_equals_the_loop_by_hand(workload: str, attached: bool) -> None:
    same_until_the_stop(workload, attached)


@ATTACHED
@pytest.mark.usefixtures("on_images")
@pytest.mark.parametrize("workload", ["plain", "accumulated", "scaled"])
def test_statistics_of_batch_norm_are_those_of_the_best(workload: str, attached: bool) -> None:
    same_until_the_stop(workload, attached)


class Script:
    """A step adds 1 to a weight; the evaluation is whatever the test says."""

    def __init__(self, *, closure: bool = False) -> None:
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1.0)
        self.closure = closure

    @property
    def weight(self) -> float:
        return self.model.weight.item()

    def loss(self) -> torch.Tensor:
        self.optimizer.zero_grad()
        loss = -self.model(torch.ones(1, 1)).sum()
        loss.backward()
        return loss

    def step(self) -> None:
        if self.closure:
            self.optimizer.step(self.loss)
        else:
            self.loss()
            self.optimizer.step()

    def evaluate(self, *losses: float, rows: Sequence[int] = (1, 1, 1)) -> None:
        with torch.no_grad():
            for loss, size in zip(losses, rows, strict=False):
                F.l1_loss(torch.full((size,), loss), torch.zeros(size))

    def run(self, evaluations: Sequence[float]) -> list[float]:
        """The weight after each step."""
        weights = []
        for loss in evaluations:
            self.step()
            weights.append(self.weight)
            self.evaluate(loss)
        return weights


@pytest.mark.parametrize("closure", [False, True])
@pytest.mark.parametrize(
    ("trick", "evaluations", "steps", "best"),
    [
        ("early-stop=2", [3, 2, 4, 4, 1, 1], 4, 2),
        ("early-stop=3", [3, 2, 4, 4, 1, 1, 1, 1, 0], 8, 5),
        ("early-stop=2", [3, 4, 2, 4, 1, 0], 6, 6),  # an improvement begins the wait anew
        ("early-stop=2", [3, 3, 3, 3, 3, 3], 3, 1),  # no better is no improvement
        ("early-stop=2,min-delta=1", [3, 2.5, 2, 1.9, 0.5, 0.5], 3, 1),
        ("early-stop=2,min-delta=1", [3, 2.5, 1.9, 1.5, 0.5, 0.5], 6, 5),
        ("early-stop=4", [3, 2, math.nan, 1, 1, 1], 3, 2),
        ("early-stop=4", [3, 2, math.inf, 1, 1, 1], 3, 2),
    ],
)
def test_waits_and_goes_back(
    trick: str, evaluations: list[float], steps: int, best: int, closure: bool
) -> None:
    with in_script(trick):
        script = Script(closure=closure)
        weights = script.run(evaluations)
        stops = steps < len(evaluations)
        assert weights[:steps] == [float(t + 1) for t in range(steps)]
        assert weights[steps:] == [float(best)] * (len(evaluations) - steps)
        script.step()
        assert script.weight == (best if stops else steps + 1)


def test_all_losses_between_two_steps_are_one_evaluation() -> None:
    loader = torch.utils.data.DataLoader(torch.arange(4), batch_size=2)
    trick = read("early-stop=2")
    with in_script(trick):
        script = Script()
        for _ in range(2):
            script.step()
            with torch.no_grad():
                for _ in range(2):  # held-out data, and then those of a test
                    for _ in loader:
                        script.evaluate(3.0, 1.0, rows=(3, 1))
        script.step()
    assert trick.state_dict()["best"] == pytest.approx(2.5)  # the last batch is smaller
    assert trick.state_dict()["waited"] == 1
    assert script.weight == 3


def test_training_loaders_end_and_others_do_not() -> None:
    loader = torch.utils.data.DataLoader(torch.arange(6))
    counts = []
    with in_script("early-stop=1"):
        script = Script()
        for loss in (1.0, 2.0, 3.0, 4.0):
            counts.append(0)
            for _ in loader:
                script.step()
                counts[-1] += 1
            with torch.no_grad():
                for _ in loader:
                    script.evaluate(loss)
                    counts[-1] += 10
        assert script.weight == 6
    assert counts == [66, 66, 61, 60]  # the first batch of the third tells that training goes on


def test_without_evaluations_nothing_stops() -> None:
    with in_script("early-stop=1"):
        script = Script()
        for _ in range(5):
            script.step()
    assert script.weight == 5


def test_a_saved_wait_goes_on_and_knows_the_best_weights() -> None:
    with in_script("early-stop=2") as handle:
        script = Script()
        script.run([3, 2, 4])
        script.step()
        kept = copy.deepcopy(handle.state_dict())
    with in_script("early-stop=2") as handle:
        other = Script()
        other.model.load_state_dict(script.model.state_dict())
        handle.load_state_dict(kept)
        other.evaluate(4)
        other.step()
        assert other.weight == 2
