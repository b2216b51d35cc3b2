"""When the averages of ema and swa stand in for the weights, and how they go on after a restart."""

from __future__ import annotations

import copy

import pytest
import torch
from suite import WORKLOADS, Hand, assert_same, attach, in_script, read, record_of, train
from torch import nn

from assay.seams.hub import Hub
from assay.tricks.averaging.shadow import TRAINING

STEPS = 6


def heard(hub: Hub) -> int:
    return sum(len(hub.listeners[event]) for event in TRAINING)


@pytest.mark.parametrize("trick", ["ema", "swa=0"])
def test_per_step_events_are_listened_to_only_while_averages_stand_in(trick: str) -> None:
    with in_script(trick) as handle:
        world, hub = WORKLOADS["plain"](Hand()), handle.stages[0].hub
        usual = heard(hub)
        for t in range(3):
            world.step(t)
            assert heard(hub) == usual
            world.evaluate()
            world.evaluate()
            assert heard(hub) == usual + len(TRAINING)
        world.step(3)
        trained = [p.detach().clone() for p in world.model.parameters()]
        world.evaluate()
        assert not all(map(torch.equal, trained, world.model.parameters()))
    assert heard(hub) == 0
    assert all(map(torch.equal, trained, world.model.parameters()))


def one_evaluation(model: nn.Module, *, mode: bool, gradients: bool) -> torch.Tensor:
    model.train(mode)
    with torch.set_grad_enabled(gradients):
        out: torch.Tensor = model(torch.ones(1, 64)).detach()
    return out


@pytest.mark.parametrize("when", ["eval", "no-grad"])
@pytest.mark.parametrize("trick", ["ema=0.5", "swa=0"])
def test_what_counts_as_an_evaluation(trick: str, when: str) -> None:
    with in_script(f"{trick},when={when}"):
        world = WORKLOADS["plain"](Hand())
        train(world, range(4))
        trained = copy.deepcopy(world.model)

        def averaged(*, mode: bool, gradients: bool) -> bool:
            expected = one_evaluation(trained, mode=mode, gradients=gradients)
            got = one_evaluation(world.model, mode=mode, gradients=gradients)
            return not torch.equal(expected, got)

        assert averaged(mode=False, gradients=False)
        assert averaged(mode=True, gradients=False) == (when == "no-grad")
        assert not averaged(mode=False, gradients=True)
        assert not averaged(mode=True, gradients=True)


@pytest.mark.parametrize("trick", ["ema=0.5", "swa=0"])
def test_a_teacher_between_forward_and_backward_is_no_evaluation(trick: str) -> None:
    class Distilled(WORKLOADS["plain"]):  # type: ignore[misc]
        def loss_of(self, t: int) -> torch.Tensor:
            x, _ = self.rows_of(t)
            out = self.model(x)
            with torch.no_grad():
                target = self.teacher(x)
            return nn.functional.mse_loss(out, target)

        def make_model(self) -> nn.Module:
            self.teacher = super().make_model().eval()
            return super().make_model()

    world = Distilled(Hand())
    expected = train(world, range(STEPS))
    with in_script(trick):
        world = Distilled(Hand())
        assert train(world, range(STEPS)) == expected


class Turns(WORKLOADS["two-optimizers"]):  # type: ignore[misc]
    """The optimizer that was built last steps first, and more often."""

    def step(self, t: int) -> float:
        for optimizer in (self.optimizers[1], *([self.optimizers[0]] if t % 2 else [])):
            optimizer.zero_grad()
            loss = self.loss_of(t)
            loss.backward()
            optimizer.step()
            self.hand.stepped(optimizer)
        return loss.item()


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("trick", ["ema=0.5", "swa=0", "swa=1"])
def test_a_restart_where_optimizers_take_turns(trick: str, steps: int) -> None:
    with in_script(trick) as handle:
        world = Turns(Hand())
        train(world, range(steps))
        kept, state = world.state(), copy.deepcopy(handle.state_dict())
        expected = record_of(world, train(world, range(steps, 9)))
    with in_script(trick) as handle:
        world = Turns(Hand())
        world.load(kept)
        handle.load_state_dict(state)
        assert_same(expected, record_of(world, train(world, range(steps, 9))))


def test_each_optimizers_mean_is_over_its_own_steps() -> None:
    kept: list[torch.Tensor] = []
    world = Turns(Hand())
    with attach([read("swa=1")], (world.model, *world.optimizers)):
        for t in range(8):
            world.step(t)
            if t % 2:
                kept.append(world.model.first.weight.detach().clone())  # type: ignore[union-attr,operator]
        saved = world.model.state_dict()["first.weight"]
    torch.testing.assert_close(saved, torch.stack(kept[1:]).mean(0))
