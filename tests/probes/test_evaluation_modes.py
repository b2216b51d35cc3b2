"""In which modes evaluations call a model, and which graphs they build."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from assay.journal.events import EVALUATION_PASS
from assay.probes.evaluation.evaluation_modes import EvaluationModes
from assay.probes.evaluation.evaluation_passes import Pass
from assay.probes.model.structure import Structure

from .conftest import Watching
from .noting import Noting

X = torch.arange(32.0).reshape(8, 4)


class Net(nn.Module):
    def __init__(self, forward: Any = None) -> None:
        super().__init__()
        self.layer, self.drop = nn.Linear(4, 2), nn.Dropout(0.5)
        self.more = forward or (lambda net, x: x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.more(self, self.layer(x)))


def train(model: nn.Module) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model(X).square().mean().backward()
    optimizer.step()


def numbers(seen: Any, signal: str) -> list[float]:
    return list(seen.view.trainings[0].series(signal, "Net").values)


def test_a_model_that_nobody_put_into_evaluation_mode(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net())
        with torch.no_grad():
            for number in range(2):
                model(X + number)
    assert numbers(seen, "eval_training_share") == [1.0]
    assert numbers(seen, "eval_same_input") == [0.0]
    (event,) = seen.view.events(EVALUATION_PASS)
    assert event.data["active"] == ["drop"]
    assert event.data["training"] is True
    assert event.data["line"][2] == "test_a_model_that_nobody_put_into_evaluation_mode"


def test_the_same_input_in_another_pass_or_row(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net())
        with torch.no_grad():
            for _ in range(5):
                model(X)
        train(model)
        with torch.no_grad():
            model(X[:1].repeat(6, 1))
    assert numbers(seen, "eval_same_input") == [4.0]
    assert list(seen.view.trainings[1].series("eval_same_input", "Net").values) == [5.0]


def test_an_accuracy_and_a_loss_ask_twice_and_mean_nothing_by_it(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net())
        with torch.no_grad():
            _ = model(X).argmax(1), model(X).square().mean()
    assert numbers(seen, "eval_training_share") == [1.0]
    assert numbers(seen, "eval_same_input") == [0.0]


def test_a_batch_of_one(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net())
        with torch.no_grad():
            for number in range(3):
                model(X[number : number + 1])
    assert numbers(seen, "eval_same_input") == [0.0]


def share(watched: Watching, more: Any) -> tuple[list[float], int]:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net(more))
        model.eval()
        with torch.no_grad():
            model(X)
    (event,) = seen.view.events(EVALUATION_PASS)
    return numbers(seen, "eval_training_share"), len(event.data["dropouts"])


def test_dropout_by_function(watched: Watching) -> None:
    assert share(watched, lambda net, x: F.dropout(x, 0.3)) == ([0.5], 1)
    assert share(watched, lambda net, x: F.dropout(x, 0.3, training=net.training)) == ([0.0], 0)
    assert share(watched, lambda net, x: F.dropout(x, 0.3, training=True)) == ([0.0], 0)
    assert share(watched, lambda net, x: F.dropout(x, 0.0)) == ([0.0], 0)
    assert share(watched, lambda net, x: nn.Dropout(0.3)(x)) == ([0.5], 1)


def test_dropout_that_is_off_counts_as_one_that_could_be_on(watched: Watching) -> None:
    def both(net: Net, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(F.dropout(x, 0.3), 0.3, training=net.training)

    (found,), on = share(watched, both)
    assert (found, on) == (pytest.approx(1 / 3), 1)


def test_dropout_of_attention(watched: Watching) -> None:
    def attend(rate: float) -> Any:
        def more(net: Net, x: torch.Tensor) -> torch.Tensor:
            rows = x[None, None]
            return F.scaled_dot_product_attention(rows, rows, rows, dropout_p=rate)[0, 0]

        return more

    assert share(watched, attend(0.2)) == ([0.5], 1)
    assert share(watched, attend(0.0)) == ([0.0], 0)


def test_a_model_without_modes(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := nn.Sequential(nn.Linear(4, 2)))
        model.eval()
        with torch.no_grad():
            model(X)
    assert list(seen.view.trainings[0].series("eval_training_share", "Sequential").values) == [0.0]


def test_graphs_that_nobody_goes_through(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        seen.watch.sampling.disarm()
        train(model := Net())
        seen.watch.sampling.disarm()
        model.eval()
        for first in range(5):
            model(X + first).sum().item()
        model.train()
        seen.watch.sampling.active = False
        model.eval()
        kept = [model(X + first) for first in range(5)]
        model.train()
        assert len(kept) == 5
    assert numbers(seen, "eval_graphs") == [5.0, 5.0]
    assert numbers(seen, "eval_graphs_kept") == [0.0, 3.0]


def test_graphs_of_a_roll_out_are_used(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net())
        model.eval()
        answers = [model(X + first) for first in range(5)]
        model.train()
        torch.cat(answers).sum().backward()
    assert numbers(seen, "eval_graphs") == []


def test_over_a_loader_with_nothing_announced(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net())
        for (x,) in DataLoader(TensorDataset(X), batch_size=2):
            model(x)
    assert numbers(seen, "eval_training_share") == [1.0]
    assert numbers(seen, "eval_graphs") == [4.0]


def test_accumulation_over_a_loader_is_training(watched: Watching) -> None:
    with watched(Structure, EvaluationModes) as seen:
        train(model := Net())
        for (x,) in DataLoader(TensorDataset(X), batch_size=2):
            for part in (x, x + 1):
                answer = model(part)
            answer.sum().backward()
    assert numbers(seen, "eval_graphs") == []
    assert not list(seen.view.events(EVALUATION_PASS))


# -- pass by pass, by hand -------------------------------------------------------------------------


class Heard(Noting):
    """Notes what is listened to, and the rows that are written."""

    def __init__(self) -> None:
        super().__init__(heard=[], rows=[], trainings=[SimpleNamespace(index=1, step=9)])
        self.sampling = False
        self.names.prefix = lambda module: ""

    def shared(self, kind: Any) -> Any:
        return SimpleNamespace(follow=lambda probe: None)

    def listen(self, event: str, listener: Any) -> None:
        self.heard.append(event)

    def unlisten(self, event: str, listener: Any) -> None:
        self.heard = [known for known in self.heard if known != event]

    def new_recorder(self) -> Any:
        return SimpleNamespace(
            put=lambda name, place, value: self.rows.append((name, float(value))),
            close=lambda training, step: self.rows.append((training, step)),
            flush_arrived=lambda wait: None,
        )


def one_pass(module: nn.Module, x: torch.Tensor, *, call: int = 1, grad: bool = False) -> Pass:
    made = Pass(module, "net", (x,), {})
    made.call, made.grad, made.site = call, grad, ("train.py", 3, "evaluate")
    return made


def told(*passes: Pass, sure: bool = True) -> tuple[EvaluationModes, Heard]:
    watch = Heard()
    probe = EvaluationModes(watch)
    for one in passes:
        probe.pass_begins(one)
        with torch.set_grad_enabled(one.grad):
            probe.pass_ends(one, one.module(*one.args))
    probe.evaluation_ends(sure)
    return probe, watch


def test_an_evaluation_that_may_be_none_and_one_whose_pass_has_raised() -> None:
    module = nn.Dropout(0.5)
    probe, watch = told(one_pass(module, X), sure=False)
    assert (watch.rows, watch.events) == ([], [])
    probe.pass_begins(one_pass(module, X))
    assert watch.heard == ["dropout"]
    probe.evaluation_ends(True)
    assert watch.heard == [], "the pass has raised: it never ended"


def test_what_is_written_of_each_place() -> None:
    module = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4), nn.Linear(4, 2))
    module[1].eval()
    _, watch = told(one_pass(module, X), one_pass(module, X), one_pass(module, X, call=2))
    assert watch.rows == [
        ("eval_graphs", 0.0), ("eval_training_share", 0.5), ("eval_same_input", 1.0), (1, 9),
    ]  # fmt: skip
    kind, facts = watch.events[0]
    assert kind == "evaluation_pass"
    assert facts == {
        "module": "net", "prefix": "", "line": ["train.py", 3, "evaluate"], "training": True,
        "grad": False, "active": ["a module"], "dropouts": [],
    }  # fmt: skip
    _, watch = told(one_pass(module.eval(), X))
    assert watch.rows == [("eval_graphs", 0.0), ("eval_training_share", 0.0), (1, 9)]
    _, watch = told(one_pass(nn.Linear(4, 2), X))
    assert watch.rows[1] == ("eval_training_share", 0.0)


@pytest.mark.parametrize(
    ("x", "again"),
    [
        (torch.ones(4, 4), 3), (torch.arange(16.0).reshape(4, 4), 0), (torch.ones(1, 4), 0),
        (torch.ones(4, 1), 0), (torch.ones(4, 4).long(), 0),
    ],
)  # fmt: skip
def test_rows_of_one_batch_that_are_the_same(x: torch.Tensor, again: int) -> None:
    class Random(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    _, watch = told(one_pass(Random(), x))
    assert dict(watch.rows[:3])["eval_same_input"] == again


def test_graphs_wait_for_the_next_pass_of_training() -> None:
    module = nn.Linear(4, 2)
    probe, watch = told(one_pass(module, X, grad=True), one_pass(module, X, grad=True))
    assert (watch.rows, watch.heard) == ([(1, 9)], ["backward_end"])
    probe._on_backward_end(None)
    assert watch.heard == []
    assert watch.rows[1:] == [
        ("eval_graphs", 2.0), ("eval_graphs_kept", 0.0), ("eval_training_share", 0.0), (1, 9),
    ]  # fmt: skip
    probe._on_backward_end(None)
    assert len(watch.rows) == 5, "once"


def test_graphs_that_are_used_and_those_that_are_held() -> None:
    module, held = nn.Linear(4, 2), []
    watch = Heard()
    probe = EvaluationModes(watch)
    for _ in range(4):
        one = one_pass(module, X, grad=True)
        probe.pass_begins(one)
        held.append(module(X))
        probe.pass_ends(one, held[-1])
    probe.evaluation_ends(True)
    probe.finish()
    assert dict(watch.rows[1:3]) == {"eval_graphs": 4.0, "eval_graphs_kept": 2.0}
    watch.rows.clear()
    one = one_pass(module, X, grad=True)
    probe.pass_begins(one)
    result = module(X)
    probe.pass_ends(one, result)
    probe.evaluation_ends(True)
    result.sum().backward()
    probe.finish()
    assert watch.rows == [(1, 9)], "a roll-out, whose loss is computed later"
    watch.rows.clear()
    watch.sampling = True  # a sample holds graphs itself
    one = one_pass(module, X, grad=True)
    probe.pass_begins(one)
    probe.pass_ends(one, module(X))
    probe.evaluation_ends(True)
    probe.finish()
    assert [name for name, _ in watch.rows[1:]] == ["eval_graphs", "eval_training_share", 1]
