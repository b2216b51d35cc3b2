"""What a probe may touch, what is written and bounded, and how a watch ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from assay.journal.events import STEP_SKIPPED
from assay.watching import context, facts, watch
from assay.watching.probe import Probe

from .bench import Bench


class Shared(Probe):
    """What others use."""

    name = "shared"
    always: ClassVar = ("mode",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.modes: list[bool] = []
        self.ended = 0

    def on_mode(self, module: Any, training: bool) -> None:
        self.modes.append(training)

    def finish(self) -> None:
        self.ended += 1


class Dear(Probe):
    """Uses another one, and asks for time."""

    name = "dear"
    cost = "dear"

    def __init__(self, watch: Any) -> None:
        self.shared = watch.shared(Shared)
        super().__init__(watch)


class Free(Probe):
    """Asks for nothing."""

    name = "free"

    def __init__(self, watch: Any) -> None:
        self.shared = watch.shared(Shared)
        super().__init__(watch)
        self.heard: list[Any] = []

    def hears(self, optimizer: Any, batches: Any = None) -> None:
        self.heard.append(optimizer)

    def hears_batches(self, batches: int) -> None:
        self.heard.append(batches)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch, [Dear, Free])


def of(told: Bench, kind: type[Any]) -> Any:
    return next(probe for probe in told.watch.probes if type(probe) is kind)


def journal(told: Bench) -> str:
    told.end()
    return next(told.folder.glob("journal-*")).read_text()


def test_one_probe_is_shared_and_comes_first(told: Bench) -> None:
    assert [type(probe) for probe in told.watch.probes] == [Shared, Dear, Free]
    assert of(told, Dear).shared is of(told, Free).shared is of(told, Shared)
    told.say("mode", nn.Linear(1, 1), False)
    assert of(told, Shared).modes == [False], "once"
    told.iterate(1.0)
    told.end()
    assert of(told, Shared).ended == 1


def test_where_the_training_is(told: Bench) -> None:
    seen = of(told, Free).watch
    assert (seen.iteration, seen.sampling, seen.is_full, seen.is_thorough) == (0, True, True, True)
    assert (seen.is_opening, seen.opening, seen.opening_began) == (True, 32, 0)
    assert (seen.compiled, seen.in_closure, seen.grad_enabled) == (False, False, True)
    assert seen.folder == str(told.folder)
    told.far()
    told.iterate(1.0)
    assert (seen.iteration, seen.sampling) == (told.clock.iteration, False)
    assert not seen.is_opening
    assert [training.index for training in seen.trainings] == [0]
    assert seen.training(told.optimizer) is seen.trainings[0]
    assert seen.training_alone is seen.trainings[0]
    told.watch.sampling.own_s = 0.5
    assert seen.own_s == 0.5


def test_listening_for_a_while(told: Bench) -> None:
    free = of(told, Free)
    before = len(told.hub.listeners["gathered"])
    for _ in range(2):
        free.watch.listen("gathered", free.hears_batches)
    assert len(told.hub.listeners["gathered"]) == before + 1
    told.say("gathered", 1)
    assert free.heard == [1]
    for _ in range(2):
        free.watch.unlisten("gathered", free.hears_batches)
    told.say("gathered", 1)
    assert free.heard == [1]
    free.watch.listen("gathered", free.hears_batches, first=True)
    assert told.hub.listeners["gathered"][0].__qualname__.endswith("hears_batches")


def test_only_a_dear_probe_is_given_time(told: Bench, monkeypatch: Any) -> None:
    asked: list[Any] = []
    budget = told.watch.sampling.plan.budget

    def grant(*given: Any, **more: Any) -> bool:
        asked.append((given, more))
        return True

    monkeypatch.setattr(budget, "grant", grant)
    with pytest.raises(TypeError, match="free asks for time and is not dear"):
        of(told, Free).watch.grant()
    told.far()
    assert of(told, Dear).watch.grant(3.0, ahead=2)
    told.watch.sampling.plan.open(told.clock.iteration)
    of(told, Dear).watch.grant(ahead=1)
    at = told.clock.iteration
    assert asked == [
        (("dear", at + 2), {"began": 0, "opening": False, "steps": 3.0}),
        (("dear", at + 1), {"began": at + 1, "opening": False, "steps": 0.0}),
    ]


def test_a_measurement_is_charged_with_what_it_took(told: Bench, monkeypatch: Any) -> None:
    charged: list[Any] = []
    monkeypatch.setattr(context, "perf_counter", lambda: 12.5)
    monkeypatch.setattr(
        told.watch.sampling.budget,
        "charge",
        lambda *a, opening, steps: charged.append((*a, opening, steps)),
    )
    of(told, Dear).watch.charge(10.0)
    assert charged == [("dear", 2.5, True, None)]
    own_s = told.watch.sampling.own_s
    of(told, Free).watch.spent(0.25)
    assert told.watch.sampling.own_s == pytest.approx(own_s + 0.25)


class Tape:
    def __init__(self) -> None:
        self.said: list[str] = []

    def pause(self) -> None:
        self.said.append("pause")

    def resume(self) -> None:
        self.said.append("resume")

    def stop(self) -> None:
        self.said.append("stop")


def test_what_is_computed_out_of_sight(told: Bench) -> None:
    seen, tape = of(told, Free).watch, Tape()
    with seen.unrecorded():
        pass
    seen.recording = tape
    assert seen.recording is told.watch.sampling.recording is tape
    with seen.unrecorded():
        assert tape.said == ["pause"]
    assert tape.said == ["pause", "resume"]
    heard: list[int] = []
    told.hub.on("gathered", heard.append)
    with seen.silence():
        told.say("gathered", 1)
    told.say("gathered", 2)
    assert heard == [2]


def test_events_are_bounded_and_stand_at_a_step(told: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(facts, "EVENTS_AT_MOST", 3)
    for _ in range(3):
        told.iterate(1.0)
    for _ in range(5):
        told.watch.facts.event("step_skipped")
    view = told.end()
    assert [event.step for event in view.events(STEP_SKIPPED)] == [3, 3, 3]
    assert "more than 3" in view.skipped["event step_skipped"]
    with pytest.raises(KeyError):
        told.watch.facts.event("no such event")


def test_an_event_is_told_once_for_each_key(told: Bench) -> None:
    for key in ("a", "b", "a"):
        told.watch.facts.event_once("step_skipped", key)
    told.iterate(1.0)
    assert len(list(told.end().events(STEP_SKIPPED))) == 2


def test_trainings_are_bounded(told: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(facts, "TRAININGS_AT_MOST", 2)
    heard: list[int] = []
    told.hub.listeners["training_found"].append(lambda training, _: heard.append(training.index))
    every = [torch.optim.SGD([torch.zeros(1)], lr=0.1) for _ in range(4)]
    assert [told.watch.facts.training(each).index for each in (*every, every[0])] == [0, 1, 1, 1, 0]
    assert heard == [0, 1]
    told.iterate(1.0)
    assert "all optimizers after number 2" in told.end().skipped["trainings"]


def test_an_optimizer_in_the_place_of_one_that_is_gone(told: Bench) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    first = told.watch.facts.training(optimizer)
    first.optimizer = lambda: None
    assert told.watch.facts.training(optimizer).index == 1


def test_what_is_skipped_is_said_once(told: Bench) -> None:
    for why in ("first", "second"):
        told.watch.facts.skip("a thing", why)
    told.iterate(1.0)
    assert told.end().skipped["a thing"] == "first"


def test_models_of_an_optimizer_are_found(told: Bench) -> None:
    heard: list[Any] = []
    told.hub.on("root_found", heard.append)
    model = nn.Linear(2, 1)
    told.say("root_begin", model, (), {})
    assert heard == [model]
    told.say("root_begin", nn.MSELoss(), (), {})
    assert heard == [model], "a loss is no model"
    told.iterate(1.0)
    told.say("root_begin", model, (), {})
    assert told.clock.iteration == 1, "a call of the model is the first sign of an iteration"


def test_a_transform_trains_where_nothing_else_does(told: Bench) -> None:
    told.say("transform", "grad")
    assert told.journal.is_open
    told.iterate(1.0)
    assert "torch.func.grad" in told.end().skipped["torch.func"]


def test_a_transform_in_a_training_opens_nothing(told: Bench, monkeypatch: Any) -> None:
    told.iterate(1.0)
    opened: list[int] = []
    monkeypatch.setattr(type(told.clock), "open", lambda clock: opened.append(1))
    told.say("transform", "vmap")
    told.clock.stepped = False
    told.say("transform", "vmap")
    told.watch.facts.trainings, kept = [], told.watch.facts.trainings
    told.clock.stepped = True
    told.say("transform", "vmap")
    told.watch.facts.trainings = kept
    assert opened == []


def test_thinned_samples_are_told_a_hundred_times_at_most(told: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(watch, "THINNINGS_AT_MOST", 3)
    for gap in range(5):
        told.watch._on_thinned(10 + gap, gap)
    told.say("process_group", 1, 4, "gloo")
    told.iterate(1.0)
    text = journal(told)
    assert [f'"gap":{gap}' in text for gap in range(5)] == [True] * 3 + [False] * 2
    assert '"rank":1,"world":4,"backend":"gloo"' in text


def test_the_end_says_what_it_cost(told: Bench, monkeypatch: Any) -> None:
    costs: list[dict[str, Any]] = []
    put = told.journal.put
    monkeypatch.setattr(
        told.journal, "put",
        lambda kind, **data: costs.append(data) if kind == "cost" else put(kind, **data),
    )  # fmt: skip
    told.far()
    told.to_a_sample()
    taken, at = told.watch.sampling.plan.taken, told.clock.iteration
    told.watch.finish()
    told.iterate(1.0)
    told.watch.finish()
    first, second = costs
    assert (first["samples"], first["last"], first["iterations"]) == (taken + 1, at, at + 1)
    assert first["pid"] == os.getpid()
    assert second["own_s"] == round(told.watch.sampling.budget.spent_s, 6) > 0
    assert second["opening_s"] == round(told.watch.sampling.budget.opening_s, 6) > 0
    assert second["samples"] == told.watch.sampling.plan.taken
    assert second["last"] == told.watch.sampling.plan.last == told.clock.iteration - 1
    assert second["iterations"] == told.clock.iteration + 1


def test_numbers_of_an_iteration_that_never_reached_its_step(told: Bench) -> None:
    for value in (1.0, 2.0):
        told.backward(value)
        told.watch.facts.put("grad_norm", "", value)
        if value == 1.0:
            told.step()
    told.watch.facts.put("grad_max", "a", 3.0)
    (training,) = told.end().trainings
    assert list(training.series("grad_norm").values) == [1.0, 2.0]
    assert training.series("grad_max", "a").last == 3.0


def test_a_probe_that_fails_at_the_end_does_not_keep_the_others_from_it(told: Bench) -> None:
    def fail() -> None:
        raise ValueError("at the end")

    told.iterate(1.0)
    of(told, Dear).finish = fail
    of(told, Shared).finish = fail
    ended: list[int] = []
    of(told, Free).finish = lambda: ended.append(1)
    told.watch.finish()
    assert [(where, str(error)) for where, error in told.errors] == [
        ("shared at the end", "at the end"), ("dear at the end", "at the end"),
    ]  # fmt: skip
    assert ended == [1]
