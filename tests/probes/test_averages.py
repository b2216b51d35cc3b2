"""How far an average of weights came, against plain torch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from assay.journal.events import AVERAGE
from assay.journal.view import RunView
from assay.probes.evaluation.averages import Averages, _samples

from .conftest import Watching
from .test_structure_facts import here

X = torch.arange(24.0).reshape(6, 4) / 10


def make() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2))


def train(model: nn.Module, after: Callable[[], None], steps: int = 5) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(X).square().mean().backward()
        optimizer.step()
        after()


def flat(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().double().flatten() for p in model.parameters()])


def evaluate(*models: nn.Module, calls: int = 2) -> None:
    with torch.no_grad():
        for model in models:
            model.eval()
            for _ in range(calls):
                model(X)


def test_an_average_on_its_way(watched: Watching) -> None:
    with watched(Averages) as seen:
        model = make()
        line, average = here(), AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        start = flat(model)
        train(model, lambda: average.update_parameters(model))
        evaluate(average)
    way, gone = flat(model) - start, flat(average.module) - start
    share = float(gone @ way / (way @ way))
    aside = float((gone - share * way).norm() / way.norm())
    (training,) = seen.view.trainings
    assert list(training.series("average_progress", "AveragedModel").steps) == [5]
    assert training.series("average_progress", "AveragedModel").last == pytest.approx(
        share, rel=1e-4
    )
    assert training.series("average_aside", "AveragedModel").last == pytest.approx(aside, abs=1e-3)
    assert training.series("average_statistics", "AveragedModel").last == pytest.approx(1, abs=1e-4)
    (event,) = seen.view.events(AVERAGE)
    assert (event.data["line"] or [])[1] == line


def averages(view: RunView) -> tuple[str, ...]:
    return view.trainings[0].places("average_progress")


def test_statistics_that_are_left_behind(watched: Watching) -> None:
    with watched(Averages) as seen:
        model = make()
        average = copy.deepcopy(model)

        def follow() -> None:
            with torch.no_grad():
                for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                    slow.lerp_(fast, 0.5)

        train(model, follow)
        evaluate(average)
    training = seen.view.trainings[0]
    assert training.series("average_statistics", "Sequential").last == 0.0
    assert training.series("average_progress", "Sequential").last > 0.5


def test_what_is_no_average(watched: Watching) -> None:
    with watched(Averages) as seen:
        model, other = make(), nn.Linear(4, 5)
        target = copy.deepcopy(model)
        train(model, lambda: None)
        evaluate(model, other)
        evaluate(target, calls=1)  # as training calls a target network
        train(model, lambda: target(X), steps=2)
    assert averages(seen.view) == ()


def test_each_evaluation_is_looked_at_once(watched: Watching) -> None:
    with watched(Averages) as seen:
        model = make()
        average = copy.deepcopy(model)
        train(model, lambda: evaluate(average, calls=6), steps=4)
    assert list(seen.view.trainings[0].series("average_progress", "Sequential").steps) == [
        1,
        2,
        3,
        4,
    ]


def test_one_call_on_more_samples_than_a_batch_is_an_evaluation(watched: Watching) -> None:
    with watched(Averages) as seen:
        model = make()
        average, target = copy.deepcopy(model), copy.deepcopy(model)

        def whole() -> None:
            average.eval()
            with torch.no_grad():
                average(torch.cat([X, X]))
                target(X)  # as many samples as a batch has

        train(model, whole, steps=4)
    series = seen.view.trainings[0].series("average_progress", "Sequential")
    assert list(series.steps) == [1, 2, 3]  # after the last one nothing is trained any more
    (event,) = seen.view.events(AVERAGE)
    assert event.data["line"][2] == "whole"


@pytest.mark.parametrize(
    ("args", "kwargs", "samples"),
    [
        ((), {}, 0), ((torch.ones(()),), {}, 0), ((torch.ones(()), torch.ones(3, 2)), {}, 3),
        ((), {"x": torch.ones(5)}, 5), (("text", [torch.ones(2), torch.ones(7)]), {}, 2),
    ],
)  # fmt: skip
def test_how_many_samples_a_model_is_given(args: Any, kwargs: Any, samples: int) -> None:
    assert _samples(args, kwargs) == samples
