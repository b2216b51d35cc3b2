"""add-parameters, skip-non-finite and zero-grad: a faulty script against the script put right."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    Record,
    Trick,
    World,
    assert_same,
    attach,
    by_hand,
    differs,
    in_script,
    parameters_of,
    plain,
    read,
    record_of,
    train,
)
from torch import nn

STEPS = 6


def cured(
    workload: str, fault: Hand, trick: str | Trick, attached: bool, steps: int = STEPS
) -> Record:
    """A faulty script, trained with a trick."""
    trick = read(trick) if isinstance(trick, str) else trick
    if attached:
        world = WORKLOADS[workload](fault)
        with attach([trick], (world.model, *world.optimizers)):
            return record_of(world, train(world, range(steps)))
    with in_script(trick):
        world = WORKLOADS[workload](fault)
        return record_of(world, train(world, range(steps)))


ALL = (*STEPPING, "unscaled", "fused")
SCALED = ("scaled", "unscaled", "fused")

# -- zero-grad -------------------------------------------------------------------------------------


class Forgetful(Hand):
    """Never clears gradients."""

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        optimizer = kind(parameters, **settings)
        optimizer.zero_grad = lambda set_to_none=True: None
        return optimizer


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*ALL, "lbfgs"])
def test_zero_grad_equals_a_script_that_clears(workload: str, attached: bool) -> None:
    expected = plain(workload)
    assert_same(expected, cured(workload, Forgetful(), "zero-grad", attached))
    assert differs(expected, by_hand(workload, Forgetful()))
    assert_same(expected, cured(workload, Hand(), "zero-grad", attached))  # nothing to cure


# -- add-parameters --------------------------------------------------------------------------------


class Partial(Hand):
    """The last two parameters of a list are forgotten."""

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        held = list(parameters)
        return kind(held[:-2] if len(held) > 2 else held, **settings)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*ALL, "lbfgs"])
def test_add_parameters_equals_a_script_that_gives_all(workload: str, attached: bool) -> None:
    expected = plain(workload)
    assert_same(expected, cured(workload, Partial(), "add-parameters", attached))
    assert differs(expected, by_hand(workload, Partial()))
    assert_same(expected, cured(workload, Hand(), "add-parameters", attached))


KINDS = ["Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop",
         "Rprop"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_optimizer_keeps_of_each_parameter(kind: str) -> None:
    def trained(*forgotten: str) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
        held = [p for name, p in model.named_parameters() if name not in forgotten]
        optimizer = getattr(torch.optim, kind)(held, lr=0.01)
        for t in range(4):
            optimizer.zero_grad()
            model(torch.arange(6.0).view(2, 3) - t).square().mean().backward()
            optimizer.step()
        return [p.detach() for p in model.parameters()]

    with in_script("add-parameters"):
        found = trained("2.weight", "2.bias")
    torch.testing.assert_close(found, trained(), rtol=0, atol=0)
    assert not torch.equal(found[-1], trained("2.weight", "2.bias")[-1])


def test_only_what_trains_is_added_to_the_first_group() -> None:
    with in_script("add-parameters"):
        model = nn.ModuleDict({"body": nn.Linear(2, 2), "head": nn.Linear(2, 2),
                               "idle": nn.Linear(2, 2), "frozen": nn.Linear(2, 2)})  # fmt: skip
        model["frozen"].requires_grad_(False)
        groups = [{"params": [model["body"].weight], "lr": 0.5}, {"params": [model["body"].bias]}]
        optimizer = torch.optim.SGD(groups, lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
        model.forward = lambda x: model["head"](model["frozen"](model["body"](x)))
        for _ in range(2):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            scheduler.step()
    first, second = (group["params"] for group in optimizer.param_groups)
    expected = [model["body"].weight, *model["head"].parameters()]
    assert [id(p) for p in first] == [id(p) for p in expected]
    assert len(second) == 1
    assert scheduler.get_last_lr() == pytest.approx([0.005, 0.001])


# -- skip-non-finite -------------------------------------------------------------------------------


class Poisoned(Hand):
    """Some losses are NaN."""

    bad = (1, 3, 4)

    def __init__(self) -> None:
        self.calls = 0

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        loss = super().loss(output, y)
        self.calls += 1
        return loss * float("nan") if self.calls - 1 in self.bad else loss


class Skipping(Poisoned):
    """Such a step is left out."""

    def gradients(self, optimizer: Any) -> None:
        held = [p for p in parameters_of(optimizer) if p.grad is not None]
        if not all(bool(p.grad.isfinite().all()) for p in held):
            for p in held:
                p.grad = None


# Of the several gradients that LBFGS takes in a step, the trick tests the first.
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", ALL)
def test_a_bad_step_is_left_out(workload: str, attached: bool) -> None:
    trick: Any = read("skip-non-finite")
    expected = by_hand(workload, Skipping())
    assert_same(expected, cured(workload, Poisoned(), trick, attached))
    assert all(bool(w.isfinite().all()) for w in expected.weights.values())
    assert trick.state_dict()["returns"] == 0
    assert trick.state_dict()["skipped"] > 0
    if workload not in SCALED:  # a scaler skips by itself
        assert differs(expected, by_hand(workload, Poisoned()))


class GoingBack(Skipping):
    """After two bad steps in a row, weights and state are those before the last even good step."""

    bad = (2, 5, 6)

    def __init__(self) -> None:
        super().__init__()
        self.row = self.good = 0
        self.kept: Any = None

    def gradients(self, optimizer: Any) -> None:
        held = parameters_of(optimizer)
        if all(p.grad is None or bool(p.grad.isfinite().all()) for p in held):
            if self.good % 2 == 0:
                self.kept = (
                    [p.detach().clone() for p in held],
                    copy.deepcopy(optimizer.state_dict()),
                )
            self.row, self.good = 0, self.good + 1
            return
        self.row += 1
        super().gradients(optimizer)
        if self.row == 2:
            with torch.no_grad():
                for p, value in zip(held, self.kept[0], strict=True):
                    p.copy_(value)
            optimizer.load_state_dict(self.kept[1])
            self.row = 0


class SpoiltTwice(Poisoned):
    bad = GoingBack.bad


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", ["plain", "adamw", "closure", "compiled", "tied"])
def test_after_several_bad_steps_in_a_row_it_goes_back(workload: str, attached: bool) -> None:
    trick: Any = read("skip-non-finite=2,every=2")
    expected = by_hand(workload, GoingBack(), steps=9)
    assert_same(expected, cured(workload, SpoiltTwice(), trick, attached, steps=9))
    assert trick.state_dict() == {"skipped": 3, "returns": 1}

    class Skipped(Skipping):
        bad = GoingBack.bad

    assert differs(expected, by_hand(workload, Skipped(), steps=9))


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_one_element_is_enough_and_the_gradients_are_cleared(value: float) -> None:
    with in_script("skip-non-finite"):
        model = nn.Linear(2, 2)
        before = model.weight.detach().clone()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
        model(torch.ones(1, 2)).sum().backward()
        model.bias.grad[1] = value
        optimizer.step()
    assert torch.equal(model.weight, before)
    assert model.weight.grad is model.bias.grad is None
    assert not optimizer.state


def test_several_optimizers_are_judged_each_by_its_own() -> None:
    with in_script("skip-non-finite"):
        world: World = WORKLOADS["two-optimizers"](Hand())
        before = [p.detach().clone() for p in parameters_of(world.optimizers[1])]
        world.loss_of(0).backward()
        world.model.head.bias.grad[0] = float("nan")  # type: ignore[union-attr,index]
        moved = world.model.first.weight.detach().clone()  # type: ignore[union-attr,operator]
        for optimizer in world.optimizers:
            optimizer.step()
    assert all(map(torch.equal, before, parameters_of(world.optimizers[1])))
    assert not torch.equal(moved, world.model.first.weight)  # type: ignore[arg-type,union-attr]


def test_skipping_comes_before_clipping() -> None:
    class Clipped(Skipping):
        def gradients(self, optimizer: Any) -> None:
            super().gradients(optimizer)
            nn.utils.clip_grad_norm_(parameters_of(optimizer), 0.1)

    expected = by_hand("plain", Clipped())
    with in_script("clip-norm=0.1", "skip-non-finite"):
        world = WORKLOADS["plain"](Poisoned())
        assert_same(expected, record_of(world, train(world, range(STEPS))))
