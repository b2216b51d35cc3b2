"""Over which dimension the weights of an attention by hand are normalised, and summed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assay.journal.events import ATTENTION_DIMENSION
from assay.probes.questions.normalised import _in_view
from assay.probes.questions.probe import FirstQuestions

Weigh = Callable[[Tensor, Tensor], Tensor]


class Attends(nn.Module):
    """Attention of two heads over [samples, places, 16]; how scores act on values is given."""

    def __init__(self, weigh: Weigh) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(16, 16) for _ in range(4))
        self.weigh = weigh

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            part(x).view(len(x), -1, 2, 8).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        seen = self.weigh(q @ k.transpose(-1, -2) / math.sqrt(8), v)
        return self.o(seen.transpose(1, 2).reshape(len(x), -1, 16).mean(1))


def turned(scores: Tensor, v: Tensor) -> Tensor:
    weights = scores.transpose(-1, -2).softmax(-2)
    return weights.transpose(-1, -2) @ v


def again(scores: Tensor, v: Tensor) -> Tensor:
    weights = scores.softmax(-2)
    return weights / weights.sum(-1, keepdim=True) @ v


RIGHT: dict[str, Weigh] = {
    "last": lambda scores, v: scores.softmax(-1) @ v,
    "counted from the front": lambda scores, v: scores.softmax(3) @ v,
    "dropped": lambda scores, v: F.dropout(scores.softmax(-1), 0.2) @ v,
    "turned": turned,
    "einsum": lambda scores, v: torch.einsum("bhqk,bhkd->bhqd", scores.softmax(-1), v),
    "values first": lambda scores, v: (
        v.transpose(-1, -2) @ scores.softmax(-1).transpose(-1, -2)
    ).transpose(-1, -2),
}
WRONG: dict[str, Weigh] = {
    "queries": lambda scores, v: scores.softmax(-2) @ v,
    "dropped": lambda scores, v: F.dropout(scores.softmax(2), 0.2) @ v,
    "heads": lambda scores, v: scores.softmax(1) @ v,
    "samples": lambda scores, v: scores.softmax(0) @ v,
    "einsum": lambda scores, v: torch.einsum("bhqk,bhkd->bhqd", scores.softmax(-2), v),
    "turned": lambda scores, v: scores.softmax(-1).transpose(-1, -2) @ v,
}


def counted(watched: Any, weigh: Weigh) -> tuple[list[float], list[Any]]:
    torch.manual_seed(0)
    with watched(FirstQuestions) as seen:
        model = Attends(weigh)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(8, 6, 16)), torch.randint(0, 16, (8,))).backward()
            optimizer.step()
    (training,) = seen.view.trainings
    return list(training.series("attention_summed_otherwise").values), list(
        seen.view.events(ATTENTION_DIMENSION)
    )


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.usefixtures("no_haste")
def test_none_where_keys_are_normalised_and_summed(watched: Any, name: str) -> None:
    assert counted(watched, RIGHT[name]) == ([0.0], [])


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.usefixtures("no_haste")
def test_one_where_another_dimension_is_normalised(watched: Any, name: str) -> None:
    values, (event,) = counted(watched, WRONG[name])
    assert values == [1.0]
    assert event.data["of"] == 1
    assert event.data["shape"] == [8, 2, 6, 6]
    assert event.data["dim"] == {"heads": 1, "samples": 0, "turned": 3}.get(name, 2)


@pytest.mark.parametrize(
    ("before", "after", "dim", "there"),
    [
        ((8, 2, 6, 6), (16, 6, 6), 3, 2),
        ((8, 2, 6, 6), (16, 6, 6), 2, 1),
        ((8, 2, 6, 6), (16, 6, 6), 1, 0),
        ((16, 6, 6), (8, 2, 6, 6), 2, 3),
        ((8, 6, 5, 1), (8, 6, 5), 2, 2),
        ((32, 1, 1), (32, 1, 1), 2, 2),
        ((32, 1, 1), (32, 1, 1), 1, 1),
        ((8, 2, 1, 1), (16, 1, 1), 3, 2),
        ((8, 1, 4), (8, 4), 1, None),
        ((8, 6), (8, 2, 3), 1, None),
    ],
)
def test_where_a_dimension_lies_after_a_view(
    before: tuple[int, ...], after: tuple[int, ...], dim: int, there: int | None
) -> None:
    assert _in_view(torch.Size(before), torch.Size(after), dim) == there


@pytest.mark.usefixtures("no_haste")
def test_weights_that_are_normalised_again_are_not_followed(watched: Any) -> None:
    assert counted(watched, again) == ([], [])


def one_each(scores: Tensor, v: Tensor) -> Tensor:
    """A score for each place, as an additive attention makes them: [8, 2, 6, 1]."""
    return scores.mean(-1, keepdim=True)


POOLED: dict[str, tuple[Weigh, int]] = {
    "one": (lambda scores, v: (one_each(scores, v).softmax(-1) * v).sum(2, keepdim=True), 1),
    "one, kept": (lambda scores, v: v + (one_each(scores, v).softmax(3) * v).mean(2, True), 1),
    "one, by a product": (
        lambda scores, v: one_each(scores, v).softmax(-1).transpose(-1, -2) @ v, 1,
    ),
    "places": (lambda scores, v: (one_each(scores, v).softmax(2) * v).sum(2, keepdim=True), 0),
    "one key": (lambda scores, v: one_each(scores, v).softmax(-1) @ v.mean(2, True), 0),
    "a gate": (lambda scores, v: one_each(scores, v).softmax(-1) * v, 0),
    "over features": (
        lambda scores, v: (one_each(scores, v).softmax(-1) * v).sum(-1, keepdim=True) + v, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", POOLED)
@pytest.mark.usefixtures("no_haste")
def test_a_softmax_over_one_number_that_weighs_a_sum_over_more(watched: Any, name: str) -> None:
    weigh, wrong = POOLED[name]
    values, events = counted(watched, weigh)
    assert sum(values) == wrong
    assert [event.data["shape"] for event in events] == [[8, 2, 6, 1]] * wrong
