"""Which steps had their gradients cleared between the backward pass and the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.gradient.clearing import Clearing
from assay.probes.model.structure import Structure

from .conftest import Watching
from .test_structure_facts import here

X = torch.ones(3, 4)


class Parts:
    """A model of two layers, an optimizer of all and one of the second layer alone."""

    def __init__(self) -> None:
        self.model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
        self.all = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.head = torch.optim.SGD(self.model[1].parameters(), lr=0.01)
        self.stranger = nn.Linear(2, 2)
        self.strangers = torch.optim.SGD(self.stranger.parameters(), lr=0.01)

    def backward(self) -> None:
        self.model(X).square().mean().backward()


def nothing(parts: Parts) -> None:
    parts.backward()


def before(parts: Parts) -> None:
    parts.all.zero_grad()
    parts.backward()


def after(parts: Parts) -> None:
    parts.backward()
    parts.all.zero_grad()


def to_zeros(parts: Parts) -> None:
    parts.backward()
    parts.all.zero_grad(set_to_none=False)


def by_the_model(parts: Parts) -> None:
    parts.backward()
    parts.model.zero_grad()


def one_layer(parts: Parts) -> None:
    """The other layer has its gradients."""
    parts.backward()
    parts.model[1].zero_grad()


def by_another_optimizer(parts: Parts) -> None:
    parts.backward()
    parts.head.zero_grad(set_to_none=False)
    for p in parts.model[0].parameters():
        p.grad = None


def strangers(parts: Parts) -> None:
    parts.backward()
    parts.stranger.zero_grad()
    parts.strangers.zero_grad()
    for p in parts.model.parameters():
        assert p.grad is not None
        p.grad.zero_()  # by hand: nobody called zero_grad


def among_strangers(parts: Parts) -> None:
    parts.backward()
    parts.strangers.zero_grad()
    parts.all.zero_grad()
    parts.stranger.zero_grad()


def and_again(parts: Parts) -> None:
    parts.backward()
    parts.all.zero_grad()
    parts.backward()


def one_element_is_left(parts: Parts) -> None:
    parts.backward()
    parts.all.zero_grad(set_to_none=False)
    parts.model[0].bias.grad[2] = 1e-30  # type: ignore[index]


@pytest.mark.parametrize(
    ("iteration", "discarded"),
    [
        (nothing, 0), (before, 0), (after, 1), (to_zeros, 1), (by_the_model, 1), (one_layer, 0),
        (by_another_optimizer, 1), (strangers, 0), (among_strangers, 1), (and_again, 0),
        (one_element_is_left, 0),
    ],
)  # fmt: skip
def test_a_step_with_nothing_left(
    watched: Watching, iteration: Callable[[Parts], None], discarded: int
) -> None:
    with watched(Structure, Clearing) as seen:
        parts = Parts()
        for _ in range(2):
            iteration(parts)
            parts.all.step()
    (training,) = seen.view.trainings
    assert list(training.series("gradient_discarded")) == [(0, discarded), (1, discarded)]


def test_a_step_that_no_backward_pass_led_to_says_nothing(watched: Watching) -> None:
    with watched(Structure, Clearing) as seen:
        parts = Parts()
        parts.all.zero_grad()
        parts.all.step()
        after(parts)
        parts.all.step()
        parts.all.zero_grad()
        for p in parts.model.parameters():
            p.grad = torch.zeros_like(p)
        torch.autograd.grad(parts.model(X).mean(), list(parts.model.parameters()))
        parts.all.step()
    assert list(seen.view.trainings[0].series("gradient_discarded")) == [(1, 1.0)]


def test_what_was_cleared_counts_for_one_step(watched: Watching) -> None:
    with watched(Structure, Clearing) as seen:
        parts = Parts()
        after(parts)
        parts.all.step()
        for p in parts.model.parameters():
            p.grad = None
        parts.head.step()
    values: list[Any] = [list(t.series("gradient_discarded").values) for t in seen.view.trainings]
    assert values == [[1.0], [0.0]], "what is kept of the user's is let go at a step"


def cleared(seen: Any) -> list[tuple[int, int | None, int | None]]:
    """Step, line that cleared, and training of each `cleared` event."""
    return [
        (event.step, event.data["by"] and event.data["by"][1], event.training)
        for event in seen.view.events("cleared")
    ]


def test_the_line_that_cleared_is_written_once(watched: Watching) -> None:
    with watched(Structure, Clearing) as seen:
        parts = Parts()
        for number in range(4):
            parts.backward()
            if number != 1:
                parts.strangers.zero_grad()
                parts.all.zero_grad()
                at = here() - 1
            parts.all.step()
    assert cleared(seen) == [(0, at, 0)]
    values = seen.view.trainings[0].series("gradient_discarded").values
    assert list(values) == [1.0, 0.0, 1.0, 1.0]


def test_gradients_that_were_taken_away_by_hand(watched: Watching) -> None:
    """Known from the second step on: then it is a training, and had some after backward()."""
    with watched(Structure, Clearing) as seen:
        parts = Parts()
        parts.model[0].bias.requires_grad_(requires_grad=False)  # it never has a gradient
        for number in range(4):
            parts.all.zero_grad()
            parts.backward()
            if number != 2:
                for p in parts.model.parameters():
                    p.grad = None
            parts.all.step()
    assert list(seen.view.trainings[0].series("gradient_discarded").values) == [0.0, 1.0, 0.0, 1.0]
    assert cleared(seen) == [(1, None, 0)]


def test_a_model_that_holds_more_than_the_optimizer(watched: Watching) -> None:
    with watched(Structure, Clearing) as seen:
        parts = Parts()
        parts.backward()
        parts.model.zero_grad()
        parts.head.step()
    assert list(seen.view.trainings[0].series("gradient_discarded").values) == [1.0]


def test_each_step_of_a_pass_is_judged_once_and_each_pass_anew(watched: Watching) -> None:
    with watched(Structure, Clearing) as seen:
        parts = Parts()
        parts.backward()
        parts.all.step()
        after(parts)
        parts.all.step()
        before(parts)
        parts.all.step()
    assert list(seen.view.trainings[0].series("gradient_discarded")) == [(0, 0), (1, 1), (2, 0)]
