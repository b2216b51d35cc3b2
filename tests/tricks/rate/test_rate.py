"""Tricks on the rate against loops written by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    TrickError,
    assert_same,
    by_hand,
    differs,
    in_script,
    plain,
    read,
    train,
    treated,
)

from assay.tricks.rate.curves import Plateau


class Rated(Hand):
    """Sets each step's rate by hand and puts the old one back afterwards."""

    def __init__(self) -> None:
        self.steps: dict[Any, int] = {}
        self.first: dict[Any, list[float]] = {}

    def factor(self, t: int) -> float:
        raise NotImplementedError

    def gradients(self, optimizer: Any) -> None:
        t = self.steps.get(optimizer, 0)
        self.own = [group["lr"] for group in optimizer.param_groups]
        first = self.first.setdefault(optimizer, list(self.own))
        for group, base, own in zip(optimizer.param_groups, first, self.own, strict=True):
            group["lr"] = self.rate(t, base, own)

    def rate(self, t: int, base: float, own: float) -> float:
        return own * self.factor(t)

    def stepped(self, optimizer: Any) -> None:
        self.steps[optimizer] = self.steps.get(optimizer, 0) + 1
        for group, own in zip(optimizer.param_groups, self.own, strict=True):
            group["lr"] = own


class ByWarmup(Rated):
    def factor(self, t: int) -> float:
        return min(1.0, (t + 1) / 4)


class ByCosine(Rated):
    def rate(self, t: int, base: float, own: float) -> float:
        return base * ((1 + math.cos(math.pi * min(t, 10) / 10)) / 2)


class ByTenth(Rated):
    def factor(self, t: int) -> float:
        return 0.1


WAYS = [("warmup=4", ByWarmup), ("schedule=cosine,total=10", ByCosine), ("lr=x0.1", ByTenth)]


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", STEPPING)
@pytest.mark.parametrize(("trick", "hand"), WAYS)
def test_equals_the_loop_by_hand(trick: str, hand: Any, workload: str, attached: bool) -> None:
    expected = by_hand(workload, hand())
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, plain(workload))


def test_lbfgs_takes_the_rate_from_before_its_step() -> None:
    class Before(Hand):
        def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
            return kind(parameters, **{**settings, "lr": 0.05})

    assert_same(by_hand("lbfgs", Before()), treated("lbfgs", "lr=0.05"))


@pytest.mark.parametrize("workload", [w for w in STEPPING if w not in ("two-optimizers", "adamw")])
def test_a_number_is_as_if_the_script_had_begun_with_it(workload: str) -> None:
    class Begun(Hand):
        def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
            return kind(parameters, **{**settings, "lr": 0.05})

    expected = by_hand(workload, Begun())
    assert_same(expected, treated(workload, "lr=0.05"))
    assert differs(expected, plain(workload))


def rates_of(
    *tricks: str, make: Any, steps: int = 8, asked: int | None = None
) -> list[list[float]]:
    """The rates that the steps of a tiny training are taken with, and its own are unharmed."""
    seen = []
    with in_script(*tricks, steps=asked):
        model = torch.nn.Linear(2, 2)
        optimizer, scheduler = make(model)
        optimizer.register_step_pre_hook(
            lambda o, *_: seen.append([float(group["lr"]) for group in o.param_groups])
        )
        for _ in range(steps):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
    return seen


def flat(rates: list[list[float]]) -> list[float]:
    return [rate for step in rates for rate in step]


def groups(model: Any) -> Any:
    parameters = [{"params": [model.weight], "lr": 0.1}, {"params": [model.bias], "lr": 0.01}]
    return torch.optim.SGD(parameters), None


def recursive(model: Any) -> Any:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)


def one_cycle(model: Any) -> Any:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.7)
    kwargs = {"max_lr": 0.1, "total_steps": 8, "cycle_momentum": False}
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, **kwargs)


def plain_groups(model: Any) -> Any:
    return torch.optim.SGD(model.parameters(), lr=0.1), None


def tensor_rate(model: Any) -> Any:
    return torch.optim.Adam(model.parameters(), lr=torch.tensor(0.1), capturable=False), None


def test_groups_keep_their_ratios() -> None:
    assert rates_of("lr=0.5", make=groups)[0] == pytest.approx([0.5, 0.05])
    assert rates_of("lr=x2", make=groups)[0] == pytest.approx([0.2, 0.02])
    assert rates_of("schedule=step,every=1,gamma=0.5", make=groups)[1] == [0.05, 0.005]


def test_a_recursive_scheduler_is_undisturbed() -> None:
    expected = [0.05 * 0.5**t for t in range(8)]
    assert flat(rates_of("lr=0.05", make=recursive)) == pytest.approx(expected)
    warm = rates_of("warmup=3", make=recursive)
    assert flat(warm[:4]) == pytest.approx([0.1 / 3, 0.05 * 2 / 3, 0.025, 0.0125])


def test_of_a_one_cycle_the_top_is_set() -> None:
    assert max(rates_of("lr=0.02", make=one_cycle))[0] == pytest.approx(0.02, rel=0.05)
    replaced = rates_of("schedule=exponential,gamma=0.5", make=one_cycle)
    assert replaced[0][0] == pytest.approx(0.1)


def test_replacing_and_multiplying() -> None:
    replaced = rates_of("schedule=exponential,gamma=0.9", make=recursive)
    assert flat(replaced) == pytest.approx([0.1 * 0.9**t for t in range(8)])
    times = rates_of("schedule=exponential,gamma=0.9,mode=multiply", make=recursive)
    assert flat(times) == pytest.approx([0.1 * 0.45**t for t in range(8)])


def test_a_schedule_begins_when_the_warmup_ends() -> None:
    seen = rates_of("lr=0.2", "warmup=2", "schedule=cosine,total=8", make=plain_groups)
    curve = [0.2 * (1 + math.cos(math.pi * t / 6)) / 2 for t in range(6)]
    assert [rate for [rate] in seen] == pytest.approx([0.1, 0.2, *curve])
    root = rates_of("warmup=4", "schedule=inverse-sqrt", make=plain_groups)
    assert root[6][0] == pytest.approx(0.1 / math.sqrt((2 + 4) / 4))


def test_total_from_the_steps_of_the_run() -> None:
    expected = rates_of("schedule=cosine,total=6", make=plain_groups)
    assert rates_of("schedule=cosine", make=plain_groups, asked=6) == expected
    with pytest.raises(TrickError, match=r"trick schedule: cosine needs total=N"):
        rates_of("schedule=cosine", make=plain_groups)


def test_a_rate_that_is_a_tensor_stays_one() -> None:
    assert flat(rates_of("lr=0.05", make=tensor_rate)) == pytest.approx([0.05] * 8)
    with in_script("lr=0.05"):
        model = torch.nn.Linear(2, 2)
        rate = torch.tensor(0.1)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        assert optimizer.param_groups[0]["lr"] is rate


def test_a_step_that_raises_leaves_the_rate_alone() -> None:
    with in_script("lr=x0.1"):
        model = torch.nn.Linear(2, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

        def closure() -> None:
            raise RuntimeError("the user's")

        with pytest.raises(RuntimeError, match="the user's"):
            optimizer.step(closure)
        optimizer.step()
        assert optimizer.param_groups[0]["lr"] == 1.0
        with pytest.raises(RuntimeError, match="the user's"):
            optimizer.step(closure)
    assert optimizer.param_groups[0]["lr"] == 1.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schedule=cosine,gamma=0.1", "schedule=cosine takes no gamma; it takes total, end"),
        ("schedule=step", "schedule=step needs every"),
        ("schedule=multi-step,milestones=5+3", "rising steps like 100\\+200"),
        ("schedule=warmup-stable-decay,total=9,rise=0.6,decay=0.6", "more than the whole run"),
        ("schedule=tan", "one of step"),
        ("lr=0", "above 0, or x and a factor"),
        ("lr=x-1", "above 0, or x and a factor"),
        ("warmup=0", "at least 1"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(TrickError, match=says) as refused:
        read(text)
    assert "\n" not in str(refused.value)


def plateaued(watch: str) -> tuple[list[float], list[float], list[float]]:
    """Rates of the real steps, losses, and evaluations after each iteration."""
    rates: list[float] = []
    losses: list[float] = []
    evaluations: list[float] = []
    with in_script(f"schedule=plateau,every=1,patience=0,gamma=0.5,watch={watch}"):
        world = WORKLOADS["scaled"](Hand())
        world.optimizers[0].register_step_pre_hook(
            lambda o, *_: rates.append(o.param_groups[0]["lr"])
        )
        for t in range(9):
            losses += train(world, range(t, t + 1))
            evaluations.append(world.evaluate())
    return rates, losses, evaluations


def falling(readings: list[float]) -> list[float]:
    state = Plateau(0.5, 0, 0.0)
    return [0.1, *(0.1 * state.update(reading) for reading in readings)]


def test_plateau_reads_the_training_loss_unscaled() -> None:
    rates, losses, _ = plateaued("train")
    del losses[2]  # overflowed: no step, no reading
    assert rates == pytest.approx(falling(losses)[: len(rates)])
    assert rates[-1] < 0.1


def test_plateau_reads_evaluations() -> None:
    rates, _, evaluations = plateaued("eval")
    expected = falling(evaluations)
    del expected[2]  # the step that was left out
    assert rates == pytest.approx(expected[: len(rates)])
    assert rates[-1] < 0.1
