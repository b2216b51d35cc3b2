"""What is put in place for a sample, when it is taken away, and what it is charged with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from assay.watching import plan, sampling
from assay.watching.probe import Probe

from .bench import Bench


class Listening(Probe):
    """Hears of losses and steps in samples."""

    name = "listening"
    sampled: ClassVar = ("loss", "step_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.begun, self.losses, self.steps = 0, [], 0  # type: ignore[var-annotated]

    def iteration_begins(self) -> None:
        self.begun += 1

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        self.losses.append((self.watch.iteration, self.watch.grad_enabled))

    def on_step_end(self, optimizer: Any) -> None:
        self.steps += 1


class Lamp:
    """A seam that is turned on and off."""

    def __init__(self) -> None:
        self.lit = False

    def start(self) -> None:
        self.lit = True

    def stop(self) -> None:
        self.lit = False


class Tape:
    """A recording of the user's computations."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pause(self) -> None:
        self.said.append("pause")

    def resume(self) -> None:
        self.said.append("resume")

    def stop(self) -> None:
        self.said.append("stop")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path, monkeypatch, [Listening])
    made.hub.switches["lamp"] = Lamp()
    made.watch.sampling.disarm()
    made.watch.sampling.begin()
    return made


def probe(told: Bench) -> Any:
    return told.watch.probes[0]


def lit(told: Bench) -> bool:
    lamp: Any = told.hub.switches["lamp"]
    return bool(lamp.lit)


def loss(told: Bench) -> None:
    told.say("loss", "mse_loss", None, (), {}, None)


def test_sampled_iterations_are_those_of_the_plan(told: Bench) -> None:
    sampled = []
    for iteration in range(150):
        loss(told)
        told.backward(1.0)
        due = told.watch.sampling.plan.next
        assert told.watch.sampling.active is (iteration == due)
        told.step()
        sampled += [iteration] * (iteration == due)
    assert [at for at, _ in probe(told).losses] == sampled
    assert {enabled for _, enabled in probe(told).losses} == {True}
    assert probe(told).begun == 1 + len(sampled)
    assert told.watch.sampling.plan.taken in (len(sampled), len(sampled) - 1)
    assert sampled[:32] == list(range(32))
    assert len(sampled) < 100


def test_seams_are_in_place_from_before_a_sample_to_after_it(told: Bench) -> None:
    for _ in range(100):
        told.iterate(1.0)
        assert lit(told) is told.watch.sampling.armed
        due = told.watch.sampling.plan.next == told.clock.iteration + 1
        assert told.watch.sampling.armed is (told.watch.sampling.active or due)
    assert not told.watch.sampling.active or told.watch.sampling.armed
    told.watch.sampling.disarm()
    assert (told.watch.sampling.armed, told.watch.sampling.active, lit(told)) == (False,) * 3
    assert told.clock.on_loss not in told.hub.listeners["loss"]
    told.watch.sampling.disarm()
    told.watch.sampling.arm()
    assert lit(told)
    assert told.hub.listeners["loss"].index(told.clock.on_loss) == 0
    assert len(told.hub.listeners["loss"]) == 2


def test_compiled_models_are_left_alone(told: Bench) -> None:
    told.say("compile", None)
    assert not lit(told)
    assert told.watch.sampling.compiled
    told.watch.sampling.disarm()
    told.watch.sampling.arm()
    assert not lit(told)
    told.iterate(1.0)
    view = told.end()
    assert {"activations", "batches", "losses"} <= set(view.skipped)


def test_a_sample_of_too_many_passes_is_suspended_until_a_step(told: Bench) -> None:
    for number in range(1, plan.PASSES_AT_MOST + 3):
        told.backward(1.0)
        assert told.watch.sampling.suspended is (number > plan.PASSES_AT_MOST)
    assert not told.watch.sampling.active
    told.say("step_begin", told.optimizer, False)
    assert (told.watch.sampling.active, told.watch.sampling.suspended) == (True, False)
    told.say("step_end", told.optimizer)
    assert probe(told).steps == 1
    for _ in range(plan.PASSES_AT_MOST):
        told.backward(1.0)
    assert not told.watch.sampling.suspended, "each iteration has passes of its own"


def test_a_sample_that_takes_long_is_suspended(told: Bench) -> None:
    told.backward(1.0)
    own_s = told.watch.sampling.own_s
    told.watch.sampling.spent(0.75)
    assert told.watch.sampling.own_s == pytest.approx(own_s + 0.75)
    told.watch.sampling.suspend_if_long()
    assert not told.watch.sampling.suspended
    told.watch.sampling.spent(0.75)
    told.backward(1.0)
    assert told.watch.sampling.suspended
    spent = told.watch.sampling.budget.spent_s
    told.watch.sampling.spent(5.0)
    assert told.watch.sampling.budget.spent_s == spent, "nothing is charged between samples"
    told.watch.sampling.spent(5.0, always=True)
    assert told.watch.sampling.budget.spent_s == pytest.approx(spent + 5.0)
    told.watch.sampling.iteration_ends(0, 0.01)
    assert not told.watch.sampling.suspended
    assert (told.watch.sampling.own_s, told.watch.sampling.cpu_s) == (0.0, 0.0)


def test_what_a_sample_took_is_told_to_the_plan(told: Bench, monkeypatch: Any) -> None:
    told.backward(1.0)
    told.watch.sampling.spent(0.5)
    calls: list[Any] = []
    monkeypatch.setattr(told.watch.sampling.plan, "sampled", lambda *given: calls.append(given))
    told.watch.sampling.iteration_ends(7, 0.25)
    ((iteration, own_s, whole_s, cpu_s),) = calls
    assert (iteration, whole_s) == (7, 0.25)
    assert 0.5 <= own_s < 1.5
    assert 0 <= cpu_s < 0.5
    told.watch.sampling.iteration_ends(8, 0.25)
    assert len(calls) == 1, "the next one was not sampled"


def test_time_of_a_listener_is_charged_once(told: Bench, monkeypatch: Any) -> None:
    now = [10.0]
    monkeypatch.setattr(sampling, "perf_counter", lambda: now[0])
    budget = told.watch.sampling.budget

    def slow(probe: Any, *facts: Any) -> None: ...

    def listener(name: str) -> None:
        now[0] += 2.0
        budget.spent_s += 0.5  # as a dear measurement is charged
        if name == "bad":
            raise ValueError(name)

    told.watch.sampling.active = False
    timed = told.watch.sampling.timed(probe(told), listener)
    before = budget.spent_s
    timed("good")
    assert budget.spent_s == pytest.approx(before + 2.0)
    with pytest.raises(ValueError, match="bad"):
        timed("bad")
    assert budget.spent_s == pytest.approx(before + 4.0)
    told.watch.sampling.active = True
    own_s = told.watch.sampling.own_s
    timed("good")
    assert told.watch.sampling.own_s == pytest.approx(own_s + 1.5)


def test_a_recording_ends_with_its_sample(told: Bench) -> None:
    tape = Tape()
    told.watch.sampling.recording = tape
    loss(told)
    assert tape.said == ["pause", "resume"]
    told.watch.sampling.disarm()
    assert tape.said[2:] == ["stop"]


def test_a_fork_plans_anew(told: Bench) -> None:
    for _ in range(60):
        told.iterate(1.0)
    told.watch.sampling.plan.on_thinned = told.watch._on_thinned
    told.to_a_sample()
    for _ in range(plan.PASSES_AT_MOST + 40):
        told.backward(1.0)
    assert told.watch.sampling.suspended
    begun, before = probe(told).begun, told.watch.sampling.plan
    told.watch.sampling.arm_if_due(10**6)
    told.watch.forked()
    after = told.watch.sampling.plan
    assert after is not before
    assert (after.taken, after.next, after.opening) == (0, 0, before.opening)
    assert after.on_thinned == told.watch._on_thinned
    assert told.watch.sampling.budget is after.budget
    assert (told.watch.sampling.own_s, told.watch.sampling.suspended) == (0.0, False)
    assert told.watch.sampling.active
    assert probe(told).begun == begun + 1
