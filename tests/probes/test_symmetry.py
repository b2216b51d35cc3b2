"""Equal rows and columns of weights and gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import CONSTANT_INIT
from assay.probes.model.structure import Structure
from assay.probes.model.symmetry import Symmetry, twin_share

from .conftest import Watching
from .test_structure_facts import here

A, B = [1.0, 2.0], [3.0, 4.0]


@pytest.mark.parametrize(
    ("rows", "dim", "noise", "expected"),
    [
        ([A, A, A, A], 0, 0.0, 1.0),
        ([A, A, B, B], 0, 0.0, 2 / 3),
        ([A, B, A, B], 0, 0.0, 0.0),
        ([[1.0, 1.0], [2.0, 2.0]], 1, 0.0, 1.0),
        ([[1.0, 1.0], [2.0, 2.0]], 0, 0.0, 0.0),
        ([[1.0, 1.0], [2.0, 2.5]], 1, 0.0, 0.0),
        ([A, [1.0, 2.1]], 0, 0.05, 0.0),
        ([A, [1.0, 2.1]], 0, 0.2, 1.0),
        ([A, [1.0, 2.0 + 1e-6]], 0, 0.0, 1.0),
    ],
)
def test_slices_that_equal_the_one_before(
    rows: list[list[float]], dim: int, noise: float, expected: float
) -> None:
    assert float(twin_share(torch.tensor(rows), dim, noise)) == pytest.approx(expected)


def train(watched: Watching, weights: list[torch.Tensor], gradient: Any, steps: int = 3) -> Any:
    """Steps with gradients of the test's own; returns the one training."""
    with watched(Structure, Symmetry) as seen:
        parameters = [nn.Parameter(weight) for weight in weights]
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        for step in range(steps):
            sum(p.sum() for p in parameters).backward()  # type: ignore[union-attr]
            for p in parameters:
                p.grad = gradient(p, step)
            optimizer.step()
    return seen.view.trainings[0]


def places(training: Any, signal: str) -> dict[str, list[float]]:
    return {p: list(training.series(signal, p).values) for p in training.places(signal)}


def test_the_smaller_share_of_weights_and_gradients(watched: Watching) -> None:
    def gradient(p: torch.Tensor, step: int) -> torch.Tensor:
        grad = torch.zeros_like(p)
        grad[0] = float(step > 0)  # the first row parts from the others in the second step
        return grad

    training = train(watched, [torch.ones(5, 3), torch.eye(4)], gradient)
    assert places(training, "row_twin_share") == {"group 0 parameter 0": [1.0, 0.75, 0.75]}
    assert places(training, "column_twin_share") == {"group 0 parameter 0": [1.0, 1.0, 1.0]}


def test_only_what_began_equal_is_measured(watched: Watching) -> None:
    rows = torch.tensor([A, A, B])
    columns = rows.t().contiguous()
    shapes = [rows, columns, torch.ones(1, 3), torch.ones(3), torch.ones(2, 2, 2), torch.ones(0, 2)]
    training = train(watched, shapes, lambda p, step: torch.zeros_like(p))
    name = "group 0 parameter {}".format
    assert places(training, "row_twin_share") == {name(0): [0.5] * 3, name(4): [1.0] * 3}
    assert places(training, "column_twin_share") == {name(1): [0.5] * 3, name(2): [1.0] * 3}


def test_gradients_that_differ_by_noise_are_equal(watched: Watching) -> None:
    def gradient(p: torch.Tensor, step: int) -> torch.Tensor:
        grad = torch.full_like(p, 1e-12)
        grad[0] += 1e-11
        return grad if p.shape[0] == 2 else torch.full_like(p, 1.0 if step else 1e-12)

    training = train(watched, [torch.ones(2, 3), torch.tensor([A, B, A])], gradient)
    assert places(training, "row_twin_share")["group 0 parameter 0"] == [0.0, 1.0, 1.0]


def test_without_a_gradient_nothing_is_said(watched: Watching) -> None:
    training = train(watched, [torch.ones(2, 3), torch.zeros(3)], lambda p, step: None
                     if p.dim() > 1 else torch.zeros_like(p))  # fmt: skip
    assert training.places("row_twin_share") == ()


def test_who_gave_a_weight_one_value(watched: Watching) -> None:
    with watched(Structure, Symmetry) as seen:
        model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2), nn.Linear(2, 2))
        nn.init.constant_(model[0].weight, 0.5)
        at = here() - 1
        nn.init.zeros_(model[1].bias)
        nn.init.ones_(torch.empty(2, 2))
        nn.init.constant_(model[2].weight, 0.5)
        nn.init.xavier_uniform_(model[2].weight)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            model(torch.ones(4, 3)).sum().backward()
            optimizer.step()
    (made,) = seen.view.events(CONSTANT_INIT)
    assert (made.data["parameter"], made.data["of"]) == ("0.weight", "constant")
    assert made.data["by"][1] == at
