"""freeze, unfreeze and train-mode against loops written by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    TrickError,
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
    treated,
)
from torch import nn

PARTS = {"tied": "mix", "kitchen": "blocks"}
"""What is frozen in a workload: `first` in most of them, in the kitchen something with BatchNorm"""


def part_of(workload: str) -> str:
    return PARTS.get(workload, "first")


def batch_norms(model: nn.Module) -> list[Any]:
    return [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]


class Frozen(Hand):
    """The part is frozen, with its BatchNorm in eval mode at every call, for so many steps."""

    def __init__(self, workload: str, until: int | None = None) -> None:
        self.name, self.until = part_of(workload), until
        self.steps = 0

    def model(self, model: nn.Module) -> nn.Module:
        self.part: Any = getattr(model, self.name).requires_grad_(False)
        return model

    def built(self, world: World) -> None:
        self.last = world.optimizers[-1]

    def output(self, model: nn.Module, x: Any) -> Any:
        for norm in batch_norms(self.part):
            norm.train(self.steps == self.until)
        return super().output(model, x)

    def stepped(self, optimizer: Any) -> None:
        if optimizer is self.last and self.steps != self.until:
            self.steps += 1
        if self.steps == self.until:
            self.part.requires_grad_(True)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
def test_freeze_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Frozen(workload))
    assert_same(expected, treated(workload, f"freeze={part_of(workload)}", attached=attached))
    assert differs(expected, plain(workload))


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
def test_freeze_for_some_steps(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Frozen(workload, until=3))
    trick = f"freeze={part_of(workload)},until=3"
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, by_hand(workload, Frozen(workload)))
    assert differs(expected, plain(workload))


def test_frozen_statistics_stay_whatever_mode_the_script_asks_for() -> None:
    with in_script("freeze=blocks.0.*"):
        world = WORKLOADS["kitchen"](Hand())
        before = [norm.running_mean.clone() for norm in batch_norms(world.model)]
        for t in range(3):
            world.model.train()
            train(world, range(t, t + 1))
        after = [norm.running_mean for norm in batch_norms(world.model)]
        assert [torch.equal(a, b) for a, b in zip(after, before, strict=True)] == [
            True, True, False, False,
        ]  # fmt: skip


def test_decay_and_momentum_do_not_move_what_is_frozen() -> None:
    with in_script("freeze=first"):
        world = WORKLOADS["adamw"](Hand())
        for group in world.optimizers[0].param_groups:
            group["weight_decay"] = 0.5
        model: Any = world.model
        before, head = model.first.weight.clone(), model.head.weight.clone()
        train(world, range(3))
        assert torch.equal(model.first.weight, before)
        assert not torch.equal(model.head.weight, head)


@pytest.mark.parametrize("late", [False, True])
def test_a_saved_training_that_has_thawed_stays_so(late: bool) -> None:
    """The script may load its model and the trick before or after the optimizer is built."""
    trick = "freeze=blocks,until=2"
    with in_script(trick) as handle:
        world = WORKLOADS["kitchen"](Hand())
        train(world, range(8))
        kept, state = world.state(), handle.state_dict()
        expected = record_of(world, train(world, range(8, 10)))
    with in_script(trick) as handle:
        if not late:
            handle.load_state_dict(state)
        other = WORKLOADS["kitchen"](Hand())
        other.load(kept)
        if late:
            handle.load_state_dict(state)
        assert_same(expected, record_of(other, train(other, range(8, 10))))


def test_a_pattern_that_fits_nothing_is_refused() -> None:
    with pytest.raises(TrickError, match="no parameter fits 'body'; there are first, norm, head"):
        treated("plain", "freeze=body")


# -- unfreeze ----------------------------------------------------------------------------------


def freeze_in_script(
    monkeypatch: pytest.MonkeyPatch, workload: str, *, leave_out: bool = False
) -> None:
    """The script freezes a part, and may leave it out of its optimizer."""

    def model(self: Hand, model: nn.Module) -> nn.Module:
        getattr(model, part_of(workload)).requires_grad_(False)
        return model

    def optimizer(self: Hand, kind: Any, parameters: Any, **settings: Any) -> Any:
        return kind([p for p in parameters if p.requires_grad or not leave_out], **settings)

    monkeypatch.setattr(Hand, "model", model)
    monkeypatch.setattr(Hand, "optimizer", optimizer)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
def test_unfreeze_is_as_if_the_script_had_not_frozen(
    workload: str, attached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = plain(workload)
    freeze_in_script(monkeypatch, workload)
    trick = f"unfreeze={part_of(workload)}"
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, plain(workload))


class JoinsLast(Hand):
    """The unfrozen part is the last of the optimizer's group."""

    def model(self, model: nn.Module) -> nn.Module:
        self.own = {id(p) for p in getattr(model, part_of("plain")).parameters()}
        return model

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        return kind(sorted(parameters, key=lambda p: id(p) in self.own), **settings)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(
    "workload", ["plain", "adamw", "accumulated", "scaled", "closure", "compiled"]
)
def test_with_add_parameters_it_joins_the_optimizer(
    workload: str, attached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = by_hand(workload, JoinsLast())
    freeze_in_script(monkeypatch, workload, leave_out=True)
    tricks = "unfreeze=first", "add-parameters"
    assert_same(expected, treated(workload, *tricks, attached=attached))
    alone = treated(workload, "unfreeze=first", attached=attached)
    assert len(alone.optimizers[0]["param_groups"][0]["params"]) == 4


def test_freeze_all_unfreeze_some() -> None:
    with in_script("freeze=*", "unfreeze=head"):
        world = WORKLOADS["plain"](Hand())
        trained = {name for name, p in world.model.named_parameters() if p.requires_grad}
        assert trained == {"head.weight", "head.bias"}
        assert len(parameters_of(world.optimizers[0])) == 6
    assert all(p.requires_grad for p in world.model.parameters())


def test_nothing_to_unfreeze_is_refused() -> None:
    with pytest.raises(TrickError, match="no frozen parameter fits"):
        treated("plain", "unfreeze")


# -- train-mode --------------------------------------------------------------------------------


@pytest.fixture
def scripts_with_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode makes a difference in all workloads."""

    def model(self: Hand, model: nn.Module) -> nn.Module:
        if not hasattr(model, "blocks"):
            name = "mix" if hasattr(model, "mix") else "norm"
            setattr(model, name, nn.Sequential(getattr(model, name), nn.Dropout(0.3)))
        return model

    monkeypatch.setattr(Hand, "model", model)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
@pytest.mark.usefixtures("scripts_with_dropout")
def test_train_mode_mends_a_loop_that_evaluates_and_forgets(
    workload: str, attached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = plain(workload)

    def forget(self: Hand, optimizer: Any) -> None:
        self.world.model.eval()  # type: ignore[attr-defined]

    monkeypatch.setattr(Hand, "built", lambda self, world: setattr(self, "world", world))
    monkeypatch.setattr(Hand, "stepped", forget)
    assert_same(expected, treated(workload, "train-mode", attached=attached))
    assert differs(expected, plain(workload))


def test_evaluation_is_left_in_eval_mode() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).eval()
    x = torch.ones(1, 2)
    with attach([read("train-mode")], (model,)):
        for gradients_off in (torch.no_grad(), torch.inference_mode()):
            with gradients_off:
                assert torch.equal(model(x), model[0](x))
            assert not model.training
        model(x)
        assert model.training


def test_other_models_than_the_one_attached_to_stay_as_they_are() -> None:
    student, teacher = nn.Linear(2, 2).eval(), nn.Linear(2, 2).eval()
    with attach([read("train-mode")], (student,)):
        teacher(student(torch.ones(1, 2)))
    assert student.training
    assert not teacher.training
