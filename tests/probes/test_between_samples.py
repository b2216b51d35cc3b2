"""Between samples a step is noted quickly: nothing may be lost, and every exception is noticed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.probes.evaluation.evaluation import Evaluation
from assay.probes.gradient.gradients import Gradients
from assay.probes.loss.origins import Origins
from assay.watching.probe import Probe


class Costly(Probe):
    """Makes samples so dear that there are none after the opening window."""

    name = "costly"
    sampled: ClassVar = ("backward_begin",)

    def on_backward_begin(self, roots: Any, kept: Any) -> None:
        time.sleep(1e-4)


FEW = {"budget": 1e-9}


def problem() -> tuple[torch.nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.nn.Linear(4, 3), torch.randn(8, 4), torch.randint(0, 3, (8,))


def test_every_loss_and_every_rate_is_there(watched: Any) -> None:
    model, x, y = problem()
    losses, rates = [], []
    with watched(Costly, **FEW) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
        for _ in range(400):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            rates.append(optimizer.param_groups[0]["lr"])
            schedule.step()
        assert seen.watch.sampling.plan.taken < 60
    (training,) = seen.view.trainings
    assert [value for _, value in training.series("loss")] == pytest.approx(losses, rel=1e-6)
    assert [value for _, value in training.series("learning_rate", "group 0")] == pytest.approx(
        rates, rel=1e-6
    )


class Rate(torch.Tensor):
    """A rate as it were on an accelerator, where reading is waiting; notes when it was read."""

    read: ClassVar[list[bool]] = []
    sampling: ClassVar[Callable[[], bool]]

    is_cpu = False  # type: ignore[assignment]

    def __float__(self) -> float:
        self.read.append(type(self).sampling())
        return self.item()

    def __bool__(self) -> bool:
        raise AssertionError("it was compared: that is reading it")


class Plain(torch.optim.Optimizer):
    """Steps without a look at the rate."""

    def __init__(self, params: Any, lr: Any) -> None:
        super().__init__(params, {"lr": lr})

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p in self.param_groups[0]["params"]:
            p.data.sub_(0.01 * p.grad)


def test_a_rate_on_an_accelerator_is_read_in_samples_alone(watched: Any) -> None:
    weight = nn.Parameter(torch.ones(2))
    rate = torch.tensor(0.5).as_subclass(Rate)
    Rate.read.clear()
    with watched(Gradients) as seen:
        Rate.sampling = staticmethod(lambda: seen.watch.sampling)  # type: ignore[assignment]
        optimizer = Plain([weight], lr=rate)
        for number in range(300):
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()
            if number == 100:
                rate.data.fill_(0.125)
    rates = seen.view.trainings[0].series("learning_rate", "group 0")
    assert seen.view.trainings[0].steps == 300
    assert 0 < len(Rate.read) < 200, "in samples"
    assert all(Rate.read)
    assert rates.first == 0.5
    assert rates.last == 0.125
    assert min(step for step, value in rates if value == 0.125) > 100


def test_a_run_that_becomes_slow_is_written_at_once(watched: Any, tmp_path: Path) -> None:
    model, x, y = problem()
    with watched(Costly, **FEW):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for number in range(203):
            F.cross_entropy(model(x), y).backward()
            if number >= 200:
                time.sleep(0.3)
            optimizer.step()
        (journal,) = tmp_path.glob("run*/journal-*.jsonl")
        lines = map(json.loads, journal.read_text().splitlines())
        assert sum(len(line["loss"]) for line in lines if line["k"] == "steps") >= 201


def test_changing_optimizers_and_accumulation(watched: Any) -> None:
    model, x, y = problem()
    with watched(Costly, **FEW) as seen:
        one = torch.optim.SGD(model.parameters(), 1e-3)
        two = torch.optim.Adam([{"params": [model.weight]}, {"params": [model.bias], "lr": 1e-4}])
        for number in range(300):
            for _ in range(1 + number % 3):
                F.cross_entropy(model(x), y).backward()
            (two if number % 5 == 4 else one).step()
            model.zero_grad()
    first, second = seen.view.trainings
    assert (first.steps, second.steps) == (240, 60)
    by_passes = [value for _, value in first.series("loss")]
    assert by_passes[1] == pytest.approx(2 * by_passes[0], rel=0.1)


def test_a_limit_on_steps_is_kept_to_the_step(watched: Any) -> None:
    model, x, y = problem()
    taken = 0
    with watched(Costly, **FEW, steps=173) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with suppress(SystemExit):
            for _ in range(400):
                F.cross_entropy(model(x), y).backward()
                taken += 1
                optimizer.step()
    assert taken == 173
    assert seen.view.steps == 173


def test_the_first_loss_that_is_not_finite_is_traced(watched: Any) -> None:
    model, x, y = problem()
    with watched(Costly, Origins, **FEW) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for number in range(300):
            optimizer.zero_grad()
            data = x * math.nan if number == 222 else x
            F.cross_entropy(model(data), y).backward()
            optimizer.step()
    (origin,) = seen.view.events("nonfinite_origin")
    assert (origin.step, origin.data["kind"]) == (222, "input")


def test_a_loss_that_is_thrown_away_is_not_the_steps(watched: Any) -> None:
    model, x, y = problem()
    with watched(Costly, **FEW) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for number in range(200):
            if number == 150:
                F.cross_entropy(model(x * math.inf), y).backward()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    (training,) = seen.view.trainings
    assert all(math.isfinite(value) for _, value in training.series("loss"))


def test_steps_of_a_scaler(watched: Any) -> None:
    model, x, y = problem()
    with watched(Costly, **FEW) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cpu")
        for number in range(200):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y) * (math.inf if number == 150 else 1)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    assert seen.view.steps == 199
    assert [event.step for event in seen.view.events("step_skipped")] == [150]


def test_steps_inside_steps_and_steps_that_raise(watched: Any) -> None:
    class Outer(torch.optim.SGD):
        failing = False

        def step(self, closure: Any = None) -> Any:
            if self.failing:
                raise ValueError("not now")
            return super().step(closure)

    model, x, y = problem()
    with watched(Costly, **FEW) as seen:
        torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
        optimizer = Outer(model.parameters(), 0.1)
        for number in range(200):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.failing = number % 10 == 9
            if optimizer.failing:
                with pytest.raises(ValueError, match="not now"):
                    optimizer.step()
            else:
                optimizer.step()
    assert seen.view.steps == 180


def test_an_evaluation_in_between(watched: Any) -> None:
    model, x, y = problem()
    with watched(Costly, Evaluation, **FEW) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for number in range(200):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            if number % 50 == 49:
                with torch.no_grad():
                    F.cross_entropy(model(x), y)
    (training,) = seen.view.trainings
    assert [phase.step for phase in training.evaluations] == [50, 100, 150, 200]
    assert training.steps == 200


def test_a_closure_is_one_step(watched: Any) -> None:
    model, x, y = problem()
    with watched(Costly, **FEW) as seen:
        optimizer = torch.optim.LBFGS(model.parameters(), lr=1e-3, max_iter=3)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        expected = []
        for _ in range(80):
            expected.append(F.cross_entropy(model(x), y).item())
            optimizer.step(closure)
    (training,) = seen.view.trainings
    assert [value for _, value in training.series("loss")] == pytest.approx(expected, rel=1e-5)


def test_zero_grad_is_seen_only_while_someone_listens(watched: Any) -> None:
    model, _, _ = problem()
    plain = torch.optim.Optimizer.zero_grad.__code__
    with watched(Costly, **FEW) as seen:
        heard: list[Any] = []
        assert torch.optim.Optimizer.zero_grad.__code__ is plain
        seen.watch.hub.on("zero_grad", heard.append)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        optimizer.zero_grad()
        assert heard == [optimizer]
        seen.watch.hub.off("zero_grad", heard.append)
        assert torch.optim.Optimizer.zero_grad.__code__ is plain


def test_gradients_by_autograd_alone_are_sampled_all_along(watched: Any) -> None:
    model, x, y = problem()
    with watched(budget=0.9) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(300):
            loss = F.cross_entropy(model(x), y)
            found = torch.autograd.grad(loss, list(model.parameters()))
            for parameter, gradient in zip(model.parameters(), found, strict=True):
                parameter.grad = gradient
            optimizer.step()
        assert seen.watch.clock.iteration == 299
    assert seen.view.steps == 300
