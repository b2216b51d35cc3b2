"""Weights of a file, and the optimizer's state that lies beside them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn, optim

from assay.probes.model.resuming import Resuming


def model() -> nn.Linear:
    return nn.Linear(3, 2)


def step(net: nn.Module, optimizer: optim.Optimizer, times: int = 2) -> None:
    for _ in range(times):
        optimizer.zero_grad()
        net(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()


def file_of(build: Callable[[Any], optim.Optimizer], **more: Any) -> io.BytesIO:
    net = model()
    optimizer = build(net.parameters())
    step(net, optimizer)
    file = io.BytesIO()
    kept = {"net": net.state_dict(), "opts": [optimizer.state_dict()], **more}
    torch.save(kept, file)
    file.seek(0)
    return file


def adam(parameters: Any) -> optim.Optimizer:
    return optim.Adam(parameters, lr=0.01)


def resume(
    watched: Any, then: Any = adam, now: Any = adam, use: Callable[..., None] | None = None
) -> list[Any]:
    file = file_of(then)
    with watched(Resuming) as seen:
        content = torch.load(file)
        net = model()
        net.load_state_dict(content["net"])
        optimizer = now(net.parameters())
        if use is not None:
            use(content, net, optimizer)
        step(net, optimizer)
    assert not seen.view.errors
    return [(e.data["owner"], e.data["moments"]) for e in seen.view.events("not_restored")]


def test_moments_that_were_left_in_the_file(watched: Any) -> None:
    assert resume(watched) == [("Linear", 2)]


def scheduled(parameters: Any) -> optim.Optimizer:
    optimizer = adam(parameters)
    optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.param_groups[0]["lr"] = 0.005
    return optimizer


def test_a_rate_that_a_scheduler_has_changed_is_the_same(watched: Any) -> None:
    assert resume(watched, then=scheduled) == [("Linear", 2)]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (adam, lambda p: optim.Adam(p, lr=0.001)),
        (adam, lambda p: optim.SGD(p, lr=0.01, momentum=0.9)),
        (adam, lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1)),
        (adam, lambda p: optim.Adam([{"params": [one]} for one in p], lr=0.01)),
        (lambda p: optim.SGD(p, lr=0.01), lambda p: optim.SGD(p, lr=0.01)),  # no moments
    ],
)
def test_another_training_is_meant(watched: Any, then: Any, now: Any) -> None:
    assert resume(watched, then, now) == []


def test_what_was_loaded_is_restored(watched: Any) -> None:
    assert resume(watched, use=lambda c, n, o: o.load_state_dict(c["opts"][0])) == []


def test_an_optimizer_that_has_stepped_goes_on(watched: Any) -> None:
    file = file_of(adam)
    with watched(Resuming) as seen:
        net = model()
        optimizer = adam(net.parameters())
        step(net, optimizer)
        net.load_state_dict(torch.load(file)["net"])
        step(net, optimizer)
    assert not list(seen.view.events("not_restored"))


def test_weights_that_are_moved_by_hand_have_no_state(watched: Any) -> None:
    file = file_of(adam)
    with watched(Resuming) as seen:
        net = model()
        net.load_state_dict(torch.load(file)["net"])
        for _ in range(3):
            net(torch.ones(4, 3)).square().sum().backward()
            with torch.no_grad():
                for p in net.parameters():
                    p -= 0.1 * p.grad  # type: ignore[operator]
                    p.grad = None
    assert not seen.view.errors


def test_a_file_keeps_no_tensor_alive_and_may_hold_anything(watched: Any) -> None:
    file = io.BytesIO()
    torch.save({"a": {"b": [1, {2}]}, "state": {}, "param_groups": 3, "c": None}, file)
    file.seek(0)
    with watched(Resuming) as seen:
        torch.load(file, weights_only=False)
        step(net := model(), adam(net.parameters()))
    assert not seen.view.errors
    assert not list(seen.view.events("not_restored"))
