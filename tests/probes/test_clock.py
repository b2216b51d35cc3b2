"""The clock of iterations and steps, told by hand what seams would tell it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import get_ident
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from assay.journal.events import STEP_SKIPPED
from assay.journal.view import RunView

from .bench import Bench

Benches = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Benches]:
    made: list[Bench] = []

    def make(**settings: Any) -> Bench:
        made.append(Bench(tmp_path, monkeypatch, **settings))
        return made[0]

    yield make
    assert made[0].errors == []


def losses(view: RunView, number: int = 0) -> list[float]:
    return list(view.trainings[number].series("loss").values)


def hears(told: Bench, event: str, count: int) -> list[Any]:
    heard: list[Any] = []
    listeners: Any = {1: lambda a: heard.append(a), 2: lambda a, b: heard.append((a, b))}
    told.hub.listeners[event].append(listeners[count])
    return heard


def test_losses_of_one_step_are_added_up(bench: Benches) -> None:
    told = bench(budget=0.01)
    expected = []
    for at in range(700):  # the later ones between samples, and without a look
        parts = [0.25 * at, 1.0, 2.0][: 1 + at % 3]
        for part in parts:
            told.backward(part)
        expected.append(sum(parts))
        told.step()
    assert told.clock.iteration == 699
    assert told.watch.sampling.plan.taken < 150
    assert losses(told.end()) == pytest.approx(expected)


def test_two_optimizers_step_in_one_iteration(bench: Benches) -> None:
    told = bench()
    other = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    for _ in range(100):
        told.backward(2.0)
        told.step()
        told.step(other)
    assert told.clock.iteration == 99
    assert [t.step for t in told.watch.facts.trainings] == [100, 100]
    view = told.end()
    assert [set(losses(view, number)) for number in (0, 1)] == [{2.0}, {2.0}]


def test_roots_with_more_than_one_number_have_no_loss(bench: Benches) -> None:
    told = bench()
    told.backward(torch.ones(3))
    assert told.clock.loss is None
    told.backward((torch.tensor(1.5), torch.ones(2), None))
    assert told.clock.loss == 1.5
    told.say("backward_begin", [torch.tensor(2.0), torch.tensor(0.5)], False)
    assert told.clock.loss == 4.0
    assert told.clock.iteration == 0


@pytest.mark.parametrize("event", ["scaled", "divided"])
def test_a_scaled_loss_counts_as_it_was(bench: Benches, event: str) -> None:
    told = bench()
    told.far()
    loss = torch.tensor(0.75)
    scaled = loss * 1024
    told.say(event, loss, scaled)
    assert told.clock.fast.steps_left == 0
    told.backward(scaled)
    assert told.clock.loss == 0.75


def test_a_trick_that_gathers_batches_divides_the_loss(bench: Benches) -> None:
    told = bench()
    told.iterate(3.0)
    told.say("gathered", 2)
    for _ in range(2):
        told.backward(2.0)
        told.backward(6.0)
        told.step()
    told.step()  # without a loss
    told.say("gathered", 1)
    told.iterate(5.0)
    assert losses(told.end()) == [3.0, 4.0, 4.0, 4.0, 5.0]


def test_a_closure_is_one_step_with_the_loss_it_started_from(bench: Benches) -> None:
    told = bench()
    for _ in range(3):
        told.say("step_begin", told.optimizer, True)
        for loss in (4.0, 3.0, 2.0):
            told.say("closure_begin", told.optimizer)
            assert told.clock.in_closure
            told.backward(loss)
            told.say("closure_end", told.optimizer)
            assert not told.clock.in_closure
        told.say("step_end", told.optimizer)
    assert told.clock.iteration == 2
    assert losses(told.end()) == [4.0] * 3


def test_a_step_that_a_scaler_skipped_has_no_loss(bench: Benches) -> None:
    told = bench()
    told.iterate(1.0)
    told.backward(8.0)
    told.say("step_begin", told.optimizer, False)
    told.say("step_skipped", told.optimizer)
    told.iterate(2.0)
    assert told.clock.iteration == 2
    view = told.end()
    assert losses(view) == [1.0, 2.0]
    assert [event.step for event in view.events(STEP_SKIPPED)] == [1]


@pytest.mark.parametrize("far", [False, True])
def test_passes_without_a_step_are_told_ever_more_rarely(bench: Benches, far: bool) -> None:
    told = bench()
    if far:
        told.far()
        told.clock.fast.grant(10**6, told.now)
    heard = hears(told, "stalled", 2)
    for _ in range(255):
        told.backward(1.0)
    assert heard == []
    for _ in range(345):
        told.backward(1.0)
    assert heard == [(256, True), (512, True)]
    told.step()
    for _ in range(1024):
        told.backward(1.0)
    assert heard[2:] == [(1024, True)]
    told.step()
    for _ in range(1023):
        told.backward(1.0)
    assert len(heard) == 3


def test_a_stalled_loss_that_is_not_finite_is_told_as_such(bench: Benches) -> None:
    told = bench()
    heard = hears(told, "stalled", 2)
    for _ in range(256):
        told.backward(math.nan)
    assert heard == [(256, False)]
    for _ in range(256):
        told.backward(torch.ones(2))
    assert heard[1:] == [(512, False)]


@pytest.mark.parametrize("before", [0, 45, 600])
def test_losses_out_of_their_range(bench: Benches, before: int) -> None:
    told = bench()
    for _ in range(before):
        told.iterate(1.0)
    if before == 600:
        told.far()
    heard, asked = hears(told, "loss_not_finite", 1), []
    told.clock.phases = SimpleNamespace(  # type: ignore[assignment]
        loss_leaves_range=lambda: asked.append(told.clock.iteration),
        step_ends=lambda *_: None, takes_over=lambda *_: None,
    )  # fmt: skip
    told.iterate(1.2)
    assert (heard, asked) == ([], [])
    for bad in (math.nan, math.inf, -math.inf):
        root = told.backward(bad)
        assert heard.pop() is root
        told.step()
    assert len(asked) == 3
    del asked[:]
    told.iterate(1e6)
    assert heard == []
    assert len(asked) == (before > 0), "only what an opening has shown is usual"
    told.iterate(1.5e6)
    assert len(asked) == (before > 0), "another one is told of only twice as far"
    told.iterate(3e6)
    assert len(asked) == 2 * (before > 0)


def test_a_backward_pass_that_is_thrown_away(bench: Benches) -> None:
    told = bench()
    told.backward(math.nan)
    told.say("zero_grad", told.optimizer)
    assert told.clock.loss is None
    told.iterate(2.0)
    told.backward(3.0)
    told.say("zero_grad", told.optimizer)
    assert told.clock.loss == 3.0, "the gradients of a loss that counts may be put away"
    told.step()
    told.backward(math.nan)
    told.step()
    told.say("zero_grad", told.optimizer)
    assert math.isnan(told.clock.loss)  # type: ignore[arg-type]
    assert told.hub.listeners["zero_grad"] == []
    told.backward(math.inf)
    told.backward(math.inf)
    assert len(told.hub.listeners["zero_grad"]) == 1


@pytest.mark.parametrize("steps", [1, 3, 90, 700])
def test_it_stops_after_so_many_steps(bench: Benches, steps: int) -> None:
    told = bench(steps=steps)
    for _ in range(steps - 1):
        told.iterate(1.0)
    with pytest.raises(SystemExit) as stop:
        told.iterate(1.0)
    assert stop.value.code == 0
    assert told.watch.facts.trainings[0].step == steps
    assert len(losses(told.end())) == steps
    assert f"stopped after step {steps}, as asked" in (told.folder / journal(told)).read_text()


def journal(told: Bench) -> str:
    return next(path.name for path in told.folder.glob("journal-*"))


def test_it_stops_after_so_many_seconds(bench: Benches) -> None:
    told = bench(seconds=10.0)
    told.now += 50
    for _ in range(80):  # from the first backward pass on
        told.iterate(1.0, seconds=0.125)
    with pytest.raises(SystemExit):
        told.iterate(1.0, seconds=0.125)
    told.end()
    assert "stopped after 10 s of training" in (told.folder / journal(told)).read_text()


def test_between_samples_steps_are_noted_without_a_look(bench: Benches, monkeypatch: Any) -> None:
    told, looked = bench(), []
    note = type(told.clock).note_step

    def note_step(clock: Any, *given: Any, **more: Any) -> Any:
        looked.append(clock.iteration)
        return note(clock, *given, **more)

    monkeypatch.setattr(type(told.clock), "note_step", note_step)
    fast, plan, sampling = told.clock.fast, told.watch.sampling.plan, told.watch.sampling
    for _ in range(800):
        told.iterate(1.0)
        if looked[-1] == told.clock.iteration:
            ahead = 0 if sampling.armed else plan.next - told.clock.iteration - 2
            assert fast.steps_left == ahead
        else:
            assert told.hub.fast_clock is told.clock
    assert len(looked) < 300
    assert 3 * plan.taken >= len(looked) - 2, "one to arm, the sample, one to disarm"
    told.far()
    told.optimizer.param_groups[0]["lr"] = 0.2
    told.iterate(1.0)
    assert looked[-1] == told.clock.iteration, "a rate that has changed"
    told.far()
    told.iterate(1.0)
    assert looked[-1] < told.clock.iteration
    told.iterate(1.0, seconds=0.2)
    assert looked[-1] == told.clock.iteration, "after a while"
    told.far()
    told.optimizer.add_param_group({"params": [torch.zeros(1)], "lr": 0.2})
    told.iterate(1.0)
    assert looked[-1] == told.clock.iteration, "two rates"
    fast.grant(1, told.now)
    assert fast.is_open
    told.now += 0.1
    assert not fast.is_open
    fast.grant(-3, told.now)
    assert fast.steps_left == 0
    fast.grant(2, told.now)
    fast.cancel("a reason")
    assert (fast.steps_left, fast.cancelled, fast.is_open) == (0, "a reason", False)
    assert set(losses(told.end())) == {1.0}


def test_what_an_iteration_takes(bench: Benches, monkeypatch: Any) -> None:
    told = bench()
    plain: list[float] = []
    told.far()  # in an opening what is left of a sample stands for it
    told.clock.fast.cancel("so that what comes is timed from here on")
    told.iterate(1.0)
    monkeypatch.setattr(told.watch.sampling.budget, "plain", plain.append)
    for _ in range(400):
        told.backward(1.0)
        told.now += 0.05 if told.watch.sampling.active else 0.004
        told.step()
    assert len(plain) > 20
    assert plain == pytest.approx([0.004] * len(plain), rel=1e-3)


def test_a_slow_step_is_written_at_once(bench: Benches, monkeypatch: Any) -> None:
    told = bench()
    told.far()
    (training,), written = told.watch.facts.trainings, []
    monkeypatch.setattr(training, "write", lambda: written.append("training"))
    monkeypatch.setattr(told.journal, "flush", lambda: written.append("journal"))
    for _ in range(50):
        told.iterate(1.0, seconds=0.01)
    assert written == []
    told.iterate(1.0, seconds=0.01)
    told.to_a_sample()
    told.iterate(1.0, seconds=0.3)
    assert written == ["training", "journal"]


def test_what_cancels_the_fast_path(bench: Benches) -> None:
    told = bench()
    for event, facts in (("closure_begin", [told.optimizer]), ("forked", [])):
        told.far()
        if event == "forked":
            told.watch.forked()
        else:
            told.say(event, *facts)
            told.say("closure_end", *facts)
        assert told.clock.fast.steps_left == 0, event


def test_roots_between_samples(bench: Benches) -> None:
    told = bench()
    told.far()
    told.backward(torch.ones(2))
    assert told.clock.loss is None
    told.far()
    told.backward([torch.tensor(1.5), torch.tensor(2.0)])
    assert told.clock.loss == 3.5
    told.far()
    before = told.clock.iteration
    told.backward(1.0)
    told.backward(2.5)
    assert told.clock.loss == 3.5
    assert told.clock.iteration == before + 1


def test_gradients_by_autograd_grad_begin_an_iteration(bench: Benches) -> None:
    told = bench()
    told.step()
    assert told.journal.is_open
    for _ in range(3):
        told.say("grad_begin", torch.ones(1), [torch.ones(1)])
    assert told.clock.iteration == 1
    for _ in range(70):
        told.say("grad_begin", torch.ones(1), [torch.ones(1)])
    assert told.watch.sampling.suspended
    told.backward(1.0)
    told.say("zero_grad", told.optimizer)
    assert told.clock.loss is None, "too many passes for one step: none of them is the step's"


def test_a_closure_may_be_called_often(bench: Benches) -> None:
    told = bench()
    told.say("step_begin", told.optimizer, True)
    for _ in range(70):
        told.say("closure_begin", told.optimizer)
        told.backward(1.0)
        told.say("closure_end", told.optimizer)
    assert not told.watch.sampling.suspended


def test_a_loss_begins_an_iteration(bench: Benches) -> None:
    told = bench()
    facts: Any = ("mse_loss", None, (), {}, None)
    told.say("loss", *facts)
    assert told.clock.iteration == 0
    told.iterate(1.0)
    with torch.no_grad():
        told.say("loss", *facts)
    assert told.clock.iteration == 0, "an evaluation"
    told.say("loss", *facts)
    told.say("loss", *facts)
    assert told.clock.iteration == 1
    assert told.hub.thread == get_ident()


def test_a_loss_elsewhere_is_not_read_when_gradients_are_put_away(bench: Benches) -> None:
    told = bench()
    told.backward(math.nan)
    told.clock.add_loss(torch.ones((), device="meta"))
    told.say("zero_grad", told.optimizer)
    assert isinstance(told.clock.loss, torch.Tensor)


def test_phases_are_told_of_steps(bench: Benches) -> None:
    told, said = bench(), []
    told.clock.phases = SimpleNamespace(  # type: ignore[assignment]
        takes_over=lambda training: said.append(("takes over", training.index)),
        step_ends=lambda training, rates: said.append((training.index, rates)),
    )
    other = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    for optimizer in (told.optimizer, told.optimizer, other):
        told.backward(1.0)
        told.watch.facts.put("grad_norm", "", 2.0)
        told.step(optimizer)
    assert said == [("takes over", 0), (0, [0.1]), (0, [0.1]), ("takes over", 1), (1, [0.5])]
    view = told.end()
    assert [list(t.series("grad_norm").values) for t in view.trainings] == [[2.0, 2.0], [2.0]]


def test_rates_are_those_that_the_step_began_with_where_a_trick_acts(bench: Benches) -> None:
    told = bench()
    told.far()
    told.hub.on("step_end", lambda optimizer: None, acting=True)
    told.optimizer.param_groups[0]["lr"] = 0.7
    told.backward(1.0)
    told.say("step_begin", told.optimizer, False)
    assert told.clock.fast.steps_left == 0
    told.optimizer.param_groups[0]["lr"] = 0.1
    told.say("step_end", told.optimizer)
    assert told.watch.facts.trainings[0].rates == [0.7]
    told.end()


def test_a_fork_begins_anew(bench: Benches) -> None:
    told = bench()
    for _ in range(50):
        told.iterate(2.0)
    told.backward(3.0)
    told.watch.forked()
    assert (told.clock.iteration, told.clock.stepped, told.clock.loss) == (0, False, None)
    assert told.clock.fast.steps_left == 0
    assert told.clock.range.high > 1e300
    assert told.watch.facts.trainings == []
    told.iterate(4.0)
    assert told.watch.facts.trainings[0].step == 1
