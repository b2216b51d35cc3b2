"""Which forwards of which evaluations are looked at, and what is written of them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from assay.journal.events import EVAL_INPUT
from assay.probes.evaluation.held_out import HeldOut
from assay.probes.model.structure import Structure

from .conftest import Watching

X = torch.arange(8.0).reshape(2, 4)


def make() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(4, 2))
    return model, torch.optim.SGD(model.parameters(), lr=0.01)


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(X).square().mean().backward()
    optimizer.step()


def evaluate(model: nn.Module, batches: int = 1, first: float = 0.0) -> None:
    model.eval()
    with torch.no_grad():
        for number in range(batches):
            model(X + first + number)
    model.train()


def smallest(seen: Any, index: int = 0) -> list[tuple[int, float]]:
    return list(seen.view.trainings[index].series("eval_input_min", "input 0"))


def test_the_first_two_batches_of_an_evaluation(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        evaluate(model)  # nothing is trained yet
        step(model, optimizer)
        evaluate(model, 4)
        with torch.no_grad():
            model[0](X - 100)  # after train(), and no loss: a part of the model may be anything
        step(model, optimizer)
        evaluate(model, 1, first=10.0)
        with torch.no_grad():
            model[0](X - 100)
    assert smallest(seen) == [(1, 0.0), (1, 1.0), (2, 10.0)]
    assert not seen.watch.hub.listeners["called_root"]
    (event,) = seen.view.events(EVAL_INPUT)
    assert event.data == {"place": "input 0", "shape": [2, 4], "dtype": "float32"}


def test_all_four_numbers_and_no_other(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        step(model, optimizer)
        evaluate(model)
    (training,) = seen.view.trainings
    wide = X.double()
    expected = {"mean": wide.mean(), "std": wide.std(correction=0), "min": wide.min(),
                "max": wide.max()}  # fmt: skip
    found = {name: values["input 0"].last for name, values in training.signals.items()
             if name.startswith("eval_input")}  # fmt: skip
    assert found.keys() == {f"eval_input_{name}" for name in expected}
    for name, value in expected.items():
        assert abs(found[f"eval_input_{name}"] - float(value)) < 1e-5


def test_at_most_four_at_one_step_of_the_training(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        step(model, optimizer)
        for number in range(9):
            evaluate(model, 1, first=float(number))
        step(model, optimizer)
        evaluate(model, 1, first=7.0)
    assert smallest(seen) == [(1, 0.0), (1, 1.0), (1, 2.0), (1, 3.0), (2, 7.0)]


def test_another_loader_within_one_evaluation(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        step(model, optimizer)
        model.eval()
        with torch.no_grad():
            for first in (0.0, 10.0):
                for (batch,) in DataLoader(TensorDataset(torch.cat([X] * 4) + first), batch_size=2):
                    model(batch)
    assert smallest(seen) == [(1, 0.0), (1, 0.0), (1, 10.0), (1, 10.0)]


def test_a_region_without_gradients_announces_one(watched: Watching) -> None:
    """Whoever forgets eval() has an evaluation all the same."""
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        for _ in range(40):
            step(model, optimizer)
            with torch.no_grad():  # an average of weights: no model is called
                X.mean()
        with torch.inference_mode():
            model(X + 5)
    assert smallest(seen) == [(40, 5.0)]


def test_with_gradients_on_it_is_sure_once_no_backward_pass_follows(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        step(model, optimizer)
        model.eval()
        model(X)
        model(X + 1)
        model(X + 2)
        model.train()
        step(model, optimizer)
        model.eval()  # and trained so
        step(model, optimizer)
    assert smallest(seen) == [(1, 0.0), (1, 1.0)]


def test_which_evaluations_are_looked_at(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        for number in range(60):
            step(model, optimizer)
            evaluate(model, 1, first=float(number))
    looked = [*range(1, 33), 36, 40, 44, 49, 54, 60]
    assert [at for at, _ in smallest(seen)] == looked
    assert [value for _, value in smallest(seen)] == [at - 1.0 for at in looked]


def test_a_loss_announces_an_evaluation_too(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        step(model, optimizer)
        torch.set_grad_enabled(False)
        for number in range(4):
            F.mse_loss(model(X + number), torch.zeros(2, 2))
        torch.set_grad_enabled(True)
    assert smallest(seen) == [(1, 1.0), (1, 2.0)], "the first one was over when its loss was known"


def test_nothing_once_something_was_compiled(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        step(model, optimizer)
        model.eval()
        torch.compile(nn.Linear(2, 2), backend="eager")
        assert not seen.watch.hub.listeners["called_root"]
        with torch.no_grad():
            model(X)
        step(model, optimizer)
        evaluate(model)
    assert smallest(seen) == []


def test_of_several_trainings_it_stands_with_the_last(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        (model, optimizer), (_, other) = make(), make()
        step(model, optimizer)
        step(model, optimizer)
        other.param_groups[0]["params"][0].grad = torch.zeros(2, 4)
        other.step()
        evaluate(model)
    assert [smallest(seen, 0), smallest(seen, 1)] == [[], [(1, 0.0)]]


def test_another_shape_or_dtype_is_another_input(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        for x in (X, X[:1], torch.cat((X, X)), torch.ones(3, 2, 4)):
            step(model, optimizer)
            model.eval()
            with torch.no_grad():
                model(x)
            model.train()
    shapes = [event.data["shape"] for event in seen.view.events(EVAL_INPUT)]
    assert shapes == [[2, 4], [3, 2, 4]], "of one sample: the size of the batch does not count"
