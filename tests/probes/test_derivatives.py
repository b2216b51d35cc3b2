"""Derivatives of a model by its input: with a graph, without, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.probes.gradient import derivatives
from assay.probes.gradient.derivatives import Derivatives
from assay.probes.model.structure import Structure

from .conftest import Watching

Loss = Callable[[nn.Module, Tensor], Tensor]


def slope(model: nn.Module, x: Tensor, graph: bool = False) -> Tensor:
    return torch.autograd.grad(model(x).sum(), x, retain_graph=True, create_graph=graph)[0]


def penalty(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).square().mean() + 10 * (slope(model, x) ** 2).mean()


def in_place(model: nn.Module, x: Tensor) -> Tensor:
    loss = model(x).square().mean()
    loss -= slope(model, x).square().sum(1).sqrt().mean()
    return loss


def in_place_to_the_derivative(model: nn.Module, x: Tensor) -> Tensor:
    total = slope(model, x).square().mean()
    total += model(x).square().mean()
    return total


def residual(model: nn.Module, x: Tensor) -> Tensor:
    return (slope(model, x) - 2 * model(x) + x.cos()).square().mean()


def of_a_list(model: nn.Module, x: Tensor) -> Tensor:
    return torch.stack([slope(model, x).abs().mean(), model(x).square().mean()]).sum()


def with_graph(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).square().mean() + slope(model, x, graph=True).square().mean()


def attacked(model: nn.Module, x: Tensor) -> Tensor:
    return model(x + 0.1 * slope(model, x).sign()).square().mean()


def attacked_before_a_learnt_place(model: nn.Module, x: Tensor) -> Tensor:
    """What is added to a weight goes through a layer then: it is an input."""
    return model((slope(model, x) + model[0].weight[:1]).clamp(-1, 1)).square().mean()


def as_a_weight(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x).square() / (1 + slope(model, x).norm(dim=1, keepdim=True))).mean()


def printed(model: nn.Module, x: Tensor) -> Tensor:
    slope(model, x).norm().item()
    return model(x).square().mean()


def added_to_something_else(model: nn.Module, x: Tensor) -> Tensor:
    shown = model(x).square().mean() + slope(model, x).square().mean()
    shown.item()
    return model(x).square().mean()


def by_weights(model: nn.Module, x: Tensor) -> Tensor:
    weight = model[0].weight
    found = torch.autograd.grad(model(x).sum(), weight, retain_graph=True)[0]
    return model(x).square().mean() + found.square().mean()


def of_a_frozen_model(model: nn.Module, x: Tensor) -> Tensor:
    torch.manual_seed(1)
    teacher = nn.Sequential(nn.Linear(3, 1)).requires_grad_(False)
    return (model(x) + slope(teacher, x)).square().mean()


def trained(watched: Watching, loss: Loss, steps: int = 4) -> tuple[Any, list[Tensor]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    with watched(Structure, Derivatives) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(steps):
            x = torch.randn(5, 3, requires_grad=True)
            optimizer.zero_grad()
            loss(model, x).backward()
            optimizer.step()
    return seen.view, [p.detach() for p in model.parameters()]


def constants(view: Any) -> list[float]:
    (training,) = view.trainings
    return [
        value
        for place in training.places("derivative_constant")
        for value in training.series("derivative_constant", place).values
    ]


@pytest.mark.parametrize(
    "loss", [penalty, in_place, in_place_to_the_derivative, residual, of_a_list]
)
def test_a_constant_that_is_added_to_the_loss_is_seen_with_its_lines(
    watched: Watching, loss: Loss
) -> None:
    view, _ = trained(watched, loss)
    assert constants(view) == [1.0] * 4
    (event,) = view.events("derivative")
    first = slope.__code__.co_firstlineno
    assert event.data["at"][1:] == [first + 1, "slope"]
    assert event.data["added"][2] == loss.__name__
    assert not event.data["graph"]


@pytest.mark.parametrize(
    "loss",
    [
        with_graph, attacked, attacked_before_a_learnt_place, as_a_weight, printed,
        added_to_something_else,
    ],
)  # fmt: skip
def test_other_uses_are_right(watched: Watching, loss: Loss) -> None:
    view, _ = trained(watched, loss)
    assert constants(view) == [0.0] * 4
    (event,) = view.events("derivative")
    assert (event.data["graph"], event.data["added"]) == (loss is with_graph, None)


@pytest.mark.parametrize("loss", [by_weights, of_a_frozen_model])
def test_others_are_not_looked_at(watched: Watching, loss: Loss) -> None:
    view, _ = trained(watched, loss)
    assert constants(view) == []


@pytest.mark.parametrize("loss", [penalty, in_place, with_graph, attacked])
def test_following_changes_no_bit(watched: Watching, loss: Loss) -> None:
    _, seen = trained(watched, loss)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(4):
        x = torch.randn(5, 3, requires_grad=True)
        optimizer.zero_grad()
        loss(model, x).backward()
        optimizer.step()
    assert all(torch.equal(one, p) for one, p in zip(seen, model.parameters(), strict=True))


def test_it_is_followed_sixteen_times(watched: Watching) -> None:
    view, _ = trained(watched, penalty, steps=24)
    assert constants(view) == [1.0] * 16


def test_an_error_of_the_probe_reaches_no_script(
    watched: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(values: Any) -> bool:
        if torch.is_grad_enabled():
            raise RuntimeError("ours")
        return plainly(values)

    plainly = derivatives._of_weights
    monkeypatch.setattr(derivatives, "_of_weights", fails)
    followed = derivatives._Followed()
    x = torch.ones(3)
    followed.follow([x], "grad (train.py:1)", ("train.py", 1, "loss"))
    followed.start()
    try:
        made = x + 1
    finally:
        followed.stop()
    assert torch.equal(made, torch.full((3,), 2.0))
    assert str(followed.error) == "ours"


def test_what_fails_in_the_script_shows_no_frame_of_ours() -> None:
    followed = derivatives._Followed()
    followed.start()
    try:
        with pytest.raises(RuntimeError) as raised:
            torch.ones(2) + torch.ones(3)
    finally:
        followed.stop()
    frames = [entry.path.name for entry in raised.traceback]
    assert "derivatives.py" not in frames


def test_a_model_that_was_compiled_is_not_followed(watched: Watching) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    with watched(Structure, Derivatives) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        torch.compile(nn.Linear(1, 1), backend="eager")
        for _ in range(4):
            x = torch.randn(5, 3, requires_grad=True)
            optimizer.zero_grad()
            penalty(model, x).backward()
            optimizer.step()
    assert constants(seen.view) == []
