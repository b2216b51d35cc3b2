"""When evaluations begin and end, and which passes of them are heard of, event by event."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.probes.evaluation.evaluation_modes import EvaluationModes, _Seen
from assay.probes.evaluation.evaluation_passes import EvaluationPasses, Follower, Pass

from .noting import Noting


class Heard(Follower):
    def __init__(self) -> None:
        self.passes: list[tuple[int, bool, bool]] = []
        self.ends: list[bool] = []
        self.results: list[Any] = []

    def pass_begins(self, one: Pass) -> None:
        assert not torch.is_grad_enabled()
        self.passes.append((one.number, one.close, one.grad))

    def pass_ends(self, one: Pass, result: Any) -> None:
        self.results.append(result)

    def evaluation_ends(self, sure: bool) -> None:
        self.ends.append(sure)


class Script:
    """A script that trains one model, and what is heard of its evaluations."""

    def __init__(self, trainings: int = 1) -> None:
        self.model, self.part = nn.Linear(2, 2), nn.Linear(2, 2)
        self.listening: set[str] = set()
        self.training = SimpleNamespace(index=0, step=0)
        self.watch = Noting(
            trainings=[self.training] * trainings,
            names=SimpleNamespace(
                module=lambda m: {id(self.model): "model", id(self.part): "part"}.get(id(m)),
                roots=[self.model],
            ),
            listen=lambda event, function: self.listening.add(event),
            unlisten=lambda event, function: self.listening.discard(event),
            silence=nullcontext,
        )
        self.probe, self.heard = EvaluationPasses(self.watch), Heard()
        self.probe.follow(self.heard)

    def mode(self, *, training: bool) -> None:
        self.model.train(training)
        self.probe.on_mode(self.model, training)

    def calls(self, count: int = 1, module: Any = None, *, grad: bool = False) -> None:
        module = self.model if module is None else module
        for _ in range(count):
            if "called_root" in self.listening:
                with torch.set_grad_enabled(grad):
                    self.probe._on_call(module, (), {})
                    self.probe._on_return(module, "a result")

    def backward(self) -> None:
        if "backward_begin" in self.listening:
            self.probe._on_backward_begin(None, kept=False)


def test_an_evaluation_from_eval_to_train() -> None:
    script = Script()
    script.mode(training=False)
    assert script.listening == {
        "called_root", "called_root_end", "backward_begin", "grad_begin"
    }  # fmt: skip
    script.calls(4)
    assert script.heard.passes == [(0, True, False), (1, True, False), (2, False, False),
                                   (3, False, False)]  # fmt: skip
    assert script.heard.results == ["a result"] * 4
    assert script.heard.ends == []
    script.mode(training=True)
    assert script.heard.ends == [True]
    assert script.listening == set()
    script.calls(2)
    assert len(script.heard.passes) == 4


def test_before_anything_is_trained_there_is_none() -> None:
    script = Script(trainings=0)
    script.mode(training=False)
    script.probe.on_gradients_off(by_user=True)
    script.probe.on_loader_begin(None)
    script.probe.on_evaluation_loss("mse_loss", None, (), {}, None)
    script.calls()
    assert script.heard.passes == []


@pytest.mark.parametrize(("by_user", "heard"), [(True, 1), (False, 0)])
def test_a_region_that_the_user_enters(by_user: bool, heard: int) -> None:
    script = Script()
    script.model.eval()
    script.probe.on_gradients_off(by_user=by_user)
    script.calls(1, script.part)  # a frozen part announces nothing
    script.calls()
    assert len(script.heard.passes) == heard
    script.probe.finish()
    assert script.heard.ends == [True] * heard


@pytest.mark.parametrize(
    ("grads", "announced", "ended_by", "sure"),
    [
        ([False], False, "finish", True),
        ([True], False, "finish", False),
        ([True, True], False, "finish", True),
        ([True], True, "finish", True),
        ([True], True, "backward", False),
        ([False], True, "backward", True),
        ([True, True], True, "grad", False),
        ([False, False], True, "grad", True),
        ([False], True, "compile", False),
        ([True], False, "train", False),
        ([True], True, "train", True),
    ],
)
def test_how_sure_it_is(grads: list[bool], announced: bool, ended_by: str, sure: bool) -> None:
    script = Script()
    if announced:
        script.mode(training=False)
    else:
        script.model.eval()
        script.probe.on_gradients_off(by_user=True)
    for grad in grads:
        script.calls(grad=grad)
    if ended_by == "backward":
        script.backward()
    elif ended_by == "grad":
        script.probe._on_grad_begin(None, None)
    elif ended_by == "compile":
        script.probe.on_compile(None)
    elif ended_by == "train":
        script.mode(training=True)
    else:
        script.probe.finish()
    assert script.heard.ends == [sure]


def test_passes_that_train_are_heard_of_where_a_loader_began() -> None:
    script = Script()
    script.probe.on_gradients_off(by_user=True)
    script.calls(grad=True)  # in training mode, with gradients
    assert script.heard.passes == []
    script.calls(grad=False)
    assert len(script.heard.passes) == 1
    script = Script()
    script.probe.on_loader_begin(None)
    script.calls(grad=True)
    script.backward()
    assert script.heard.passes == [(0, True, True)]
    assert script.heard.ends == [False]


def test_another_loader_is_looked_at_anew() -> None:
    script = Script()
    script.mode(training=False)
    for _ in range(7):
        script.probe.on_loader_begin(None)
        script.calls(3)
    close = [number for number, close, _ in script.heard.passes if close]
    assert close == [0, 1, 3, 4, 6, 7, 9, 10]
    script = Script()
    script.model.eval()
    for _ in range(2):
        script.probe.on_loader_begin(None)
        script.calls(1)
    assert script.heard.ends == [True]
    assert [number for number, _, _ in script.heard.passes] == [0, 0]


def test_four_of_one_position_of_training() -> None:
    script = Script()
    for _ in range(6):
        script.model.eval()
        script.probe.on_gradients_off(by_user=True)
        script.calls()
        script.backward()
    assert len(script.heard.ends) == 4
    script.training.step = 1
    script.probe.on_gradients_off(by_user=True)
    script.calls()
    script.backward()
    assert len(script.heard.ends) == 5


def test_of_one_line_that_begins_many_each_that_is_a_tenth_on() -> None:
    script = Script()
    found = []
    for number in range(1, 101):
        script.training.step = number
        script.mode(training=False)
        if script.listening:
            found.append(number)
        script.mode(training=True)
    due, expected = 32 * 1.1, list(range(1, 33))
    for number in range(33, 101):
        if number >= due:  # the 36th, the 40th, ...
            expected.append(number)
            due = number * 1.1
    assert found == expected


def test_256_passes_of_one_evaluation() -> None:
    script = Script()
    script.mode(training=False)
    script.calls(300)
    assert len(script.heard.passes) == 256
    assert "backward_begin" in script.listening
    script.mode(training=True)
    assert script.heard.ends == [True]


def test_what_is_compiled_and_what_has_no_name() -> None:
    script = Script()
    script.watch.compiled = True
    script.mode(training=False)
    assert script.listening == set()
    script = Script()
    script.mode(training=False)
    script.calls(1, nn.Linear(2, 2))
    assert script.heard.passes == []
    script.mode(training=True)
    assert script.heard.ends == []
    script.mode(training=False)
    script.probe._on_call(script.model, (), {})
    script.probe._on_return(script.part, "of another")
    assert script.heard.results == []


# -- in which modes -----------------------------------------------------------------------------


def modes() -> EvaluationModes:
    watch = Noting(new_recorder=lambda: None)
    watch.shared = lambda kind: SimpleNamespace(follow=lambda follower: None)
    return EvaluationModes(watch)


ROWS = torch.arange(20.0).reshape(4, 5)


@pytest.mark.parametrize(
    ("passes", "again"),
    [
        ([ROWS], 0),
        ([ROWS, ROWS], 1),
        ([ROWS, ROWS, ROWS + 1, ROWS.flip(0)], 2),
        ([ROWS[[0, 0, 1, 0]]], 2),
        ([ROWS[[0, 0, 1, 0]], ROWS], 2),
        ([ROWS[[0, 0, 1, 0], :3]], 0),
        ([ROWS[[0, 0, 1, 0], :4]], 2),
        ([ROWS[[0, 0]].long()], 0),
        ([torch.tensor([[1.0, 2, 3, 4], [1, 9, 9, 9], [8, 2, 8, 8]])], 0),
        ([ROWS[:1]], 0),
        ([ROWS[0]], 0),
        ([ROWS + 0j, ROWS + 0j], 0),
        ([ROWS.to_sparse(), ROWS.to_sparse()], 0),
        ([torch.tensor(1.0), torch.tensor(1.0)], 0),
        ([ROWS[:0], ROWS[:0]], 0),
    ],
)
def test_how_often_the_same_is_asked_again(passes: list[Tensor], again: int) -> None:
    probe, seen = modes(), _Seen()
    for given in passes:
        one: Any = SimpleNamespace(args=(), kwargs={"x": given}, call=None, announced=0)
        probe._compare(seen, one)
    assert int(seen.again) == again


def test_the_first_tensor_that_holds_numbers_is_compared() -> None:
    probe, seen = modes(), _Seen()
    for _ in range(2):
        one: Any = SimpleNamespace(
            args=(torch.tensor(3.0), ROWS[:0], ROWS), kwargs={}, call=None, announced=0
        )
        probe._compare(seen, one)
    assert int(seen.again) == 1
