"""What an evaluation adds up, batch by batch."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from assay.probes.evaluation.evaluation import Evaluation
from assay.probes.model.structure import Structure

from .conftest import Watching

OUT = torch.tensor([[4.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 0.0, 1.0]])
LABELS = torch.tensor([0, 1, 1, 2])
IMAGE = OUT.reshape(2, 2, 3).transpose(1, 2)
"""Two rows of two pixels, three classes."""


@pytest.mark.parametrize(
    ("batches", "loss", "accuracy", "samples"),
    [
        pytest.param([lambda: F.cross_entropy(OUT, LABELS)], 1.41702019, 0.5, 4, id="classes"),
        pytest.param(
            [
                lambda: F.cross_entropy(OUT[:1], LABELS[:1]),
                lambda: F.cross_entropy(OUT[1:], LABELS[1:]),
            ],
            1.41702019, 0.5, 4, id="uneven batches",
        ),
        pytest.param(
            [lambda: F.cross_entropy(OUT, LABELS, reduction="sum")], 1.41702019, 0.5, 4, id="a sum"
        ),
        pytest.param(
            [lambda: F.cross_entropy(IMAGE, LABELS.reshape(2, 2))], 1.41702019, 0.5, 2, id="pixels"
        ),
        pytest.param(
            [lambda: F.cross_entropy(OUT, LABELS, ignore_index=2)], 0.54777863, 2 / 3, 4,
            id="ignored",
        ),
        pytest.param(
            [lambda: F.cross_entropy(OUT, torch.tensor([0, 1, -100, -100]))], 0.11786496, 1.0, 4,
            id="ignored as by default",
        ),
        pytest.param(
            [lambda: F.nll_loss(OUT.log_softmax(1), LABELS)], 1.41702019, 0.5, 4, id="nll"
        ),
        pytest.param(
            [lambda: F.cross_entropy(OUT, OUT.softmax(1))], 0.44001460, None, 4, id="a distribution"
        ),
        pytest.param([lambda: F.mse_loss(OUT[:2, 0], OUT[:2, 1])], 9.0, None, 2, id="numbers"),
        pytest.param(
            [lambda: F.multi_margin_loss(OUT, LABELS)], 0.58333333, None, 4, id="no loss of classes"
        ),
    ],
)  # fmt: skip
def test_a_phase(
    watched: Watching, batches: list[Any], loss: float, accuracy: float | None, samples: int
) -> None:
    with watched(Evaluation) as seen:
        take_step()
        with torch.no_grad():
            for batch in batches:
                batch()
    (phase,) = seen.view.trainings[0].evaluations
    assert (phase.step, phase.samples) == (1, samples)
    assert phase.loss == pytest.approx(loss, rel=1e-5)
    assert phase.accuracy == (None if accuracy is None else pytest.approx(accuracy))


def take_step() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    weight.sum().backward()
    optimizer.step()


def test_what_is_no_mean_over_samples_is_left_out(watched: Watching) -> None:
    with watched(Evaluation) as seen:
        take_step()
        with torch.no_grad():
            F.cross_entropy(OUT, LABELS, reduction="none")
            F.mse_loss(torch.tensor(1.0), torch.tensor(3.0))
    assert seen.view.trainings[0].evaluations == []


def test_a_phase_ends_where_training_goes_on(watched: Watching) -> None:
    with watched(Structure, Evaluation) as seen:
        weight = nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        for number in range(3):
            weight.sum().backward()
            optimizer.step()
            with torch.no_grad():
                for value in (number, number + 2):
                    F.mse_loss(torch.full((2,), float(value)), torch.zeros(2))
        assert len(seen.watch.hub.listeners["evaluation_loss"]) == 1
    phases = seen.view.trainings[0].evaluations
    assert [(p.step, p.loss, p.samples) for p in phases] == [(1, 2.0, 4), (2, 5.0, 4), (3, 10.0, 4)]


def test_evaluations_before_any_step_and_after_another_training(watched: Watching) -> None:
    with watched(Evaluation) as seen:
        with torch.no_grad():
            F.mse_loss(torch.ones(2), torch.zeros(2))
        take_step()
        take_step()
        with torch.no_grad():
            F.mse_loss(torch.ones(2), torch.zeros(2))
    first, second = seen.view.trainings
    assert [phase.step for phase in first.evaluations] == [0]
    assert [phase.step for phase in second.evaluations] == [1]


def test_a_loss_that_is_not_a_number_is_unknown_and_an_infinite_one_is_told(
    watched: Watching,
) -> None:
    with watched(Evaluation) as seen:
        take_step()
        with torch.no_grad():
            F.mse_loss(torch.full((2,), math.nan), torch.zeros(2))
            F.l1_loss(torch.full((2,), math.inf), torch.zeros(2))
            F.cross_entropy(OUT, torch.full((4,), -100))
    found = {p.function: (p.loss, p.accuracy) for p in seen.view.trainings[0].evaluations}
    assert found == {"mse_loss": (None, None), "l1_loss": (math.inf, None),
                     "cross_entropy": (None, None)}  # fmt: skip


def renumbered(watched: Watching, answers: list[int], labels: list[int]) -> list[dict[str, Any]]:
    with watched(Evaluation) as seen:
        take_step()
        with torch.no_grad():
            said = F.one_hot(torch.tensor(answers), 4).float()
            for rows in torch.arange(len(answers)).split(16):
                F.cross_entropy(said[rows], torch.tensor(labels)[rows])
    return [event.data for event in seen.view.events("eval_renumbered")]


def test_answers_that_mean_other_labels(watched: Watching) -> None:
    answers = [0] * 12 + [1] * 20 + [2] * 10 + [3] * 9
    labels = [0] * 12 + [2] * 16 + [0] * 4 + [1] * 10 + [1] * 9
    (found,) = renumbered(watched, answers, labels)
    line = found.pop("line")
    assert line[2] == "renumbered"
    assert found == {
        "answers": [1, 2], "labels": [2, 1], "share": 26 / 30, "samples": 30, "of": 51
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "labels"),
    [
        ([0] * 12 + [1] * 12, [0] * 12 + [1] * 12),
        ([0] * 12 + [1] * 12, [1] * 12 + [1] * 12),  # one direction alone
        ([0] * 12 + [1] * 12, [2] * 12 + [2] * 12),  # both mean the same
        ([0] * 9 + [1] * 9, [1] * 9 + [0] * 9),  # too few
        ([0] * 20 + [1] * 20, [1] * 15 + [2] * 5 + [0] * 20),  # means several
        ([0] * 20 + [1] * 20, [1] * 18 + [0] * 2 + [0] * 20),  # its own too often
    ],
)
def test_other_errors_are_no_numbering(
    watched: Watching, answers: list[int], labels: list[int]
) -> None:
    assert renumbered(watched, answers, labels) == []
