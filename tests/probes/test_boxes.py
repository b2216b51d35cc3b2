"""Overlaps on the way to a loss, in several spellings, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.probes.loss.boxes import Boxes

TARGET = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.2, 0.6], [0.5, 0.5, 0.2, 0.1]] * 2)
SHARE = pytest.approx(2 / 3)


def sides(p: Tensor) -> Tensor:
    wide = torch.min(p[:, 2], TARGET[:, 2]) - torch.max(p[:, 0], TARGET[:, 0])
    high = torch.min(p[:, 3], TARGET[:, 3]) - torch.max(p[:, 1], TARGET[:, 1])
    return -(wide.clamp(min=0) * torch.relu(high)).mean()


def pairs(p: Tensor) -> Tensor:
    left = torch.maximum(p[:, None, :2], TARGET[:, :2])
    right = torch.minimum(p[:, None, 2:], TARGET[:, 2:])
    return -(right - left).clamp(min=0).prod(2).mean()


def selected(p: Tensor) -> Tensor:
    left, right = torch.max(TARGET[:, :2], p[:, :2]), torch.min(TARGET[:, 2:], p[:, 2:])
    inside = torch.tensor([True, False, True, True, False, True])
    return -((right[inside] - left[inside]) ** 2).sum()


def look(watched: Any, loss: Callable[[Tensor], Tensor]) -> dict[str, list[float]]:
    torch.manual_seed(0)
    model = nn.Linear(4, 4)
    with watched(Boxes) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            loss(model(torch.randn(6, 4))).backward()
            optimizer.step()
    training = seen.view.trainings[0]
    places = training.places("boxes_reversed")
    assert {e.data["place"] for e in seen.view.events("overlap")} == set(places)
    return {place: [v for _, v in training.series("boxes_reversed", place)] for place in places}


@pytest.mark.parametrize("loss", [pairs, selected])
def test_overlaps_are_found_with_their_line(watched: Any, loss: Any) -> None:
    ((place, shares),) = look(watched, loss).items()
    assert place.startswith("overlap (test_boxes.py:")
    assert shares == [SHARE] * 3


def test_sides_on_lines_of_their_own_are_counted_apart(watched: Any) -> None:
    shares = look(watched, sides)
    assert sorted(value[0] for value in shares.values()) == [pytest.approx(1 / 3), SHARE]


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: (torch.max(p[:, 2], TARGET[:, 2]) - torch.min(p[:, 0], TARGET[:, 0])).mean(),
        lambda p: (torch.min(p[:, 2], p[:, 3]) - torch.max(p[:, 0], p[:, 1])).mean(),
        lambda p: (p[:, 2] - p[:, 0]).clamp(min=0).mean(),
    ],
)
def test_others_are_left_alone(watched: Any, loss: Any) -> None:
    assert look(watched, loss) == {}
