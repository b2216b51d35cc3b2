"""Backward passes that no step follows: their cost and what they leave in memory are bounded."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import assay
from assay.probes.catalogue import IN_TRIALS, PROBES
from assay.watching import sampling
from assay.watching.plan import PASSES_AT_MOST

OURS = str(Path(assay.__file__).parent)
CALLS_AT_MOST = 100
"""Of functions of ours in one pass that is not sampled; a sampled one takes some 900."""


def model_and_pass() -> tuple[nn.Module, Callable[[], float]]:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3)
    )
    x, y = torch.randn(8, 4), torch.randint(0, 3, (8,))

    def backward() -> float:
        model.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss.item()

    return model, backward


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    """Counts calls of functions of ours, which no load of the machine changes."""
    calls = [0]

    def note(frame: Any, event: str, arg: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            calls[0] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def tensors_alive() -> int:
    gc.collect()
    return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())


@pytest.mark.parametrize("optimizer_built", [False, True])
def test_calls_and_tensors_are_bounded(watched: Any, optimizer_built: bool) -> None:
    model, backward = model_and_pass()
    with watched(*PROBES, *IN_TRIALS[:1]) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1) if optimizer_built else None
        with counted_calls() as first:
            backward()
        for _ in range(2 * PASSES_AT_MOST):
            backward()
        assert not seen.watch.sampling.active
        alive = tensors_alive()
        with counted_calls() as later:
            for _ in range(1000):
                backward()
        for _ in range(4000):
            backward()
        assert tensors_alive() <= alive + 10
    assert first[0] > 5 * CALLS_AT_MOST
    assert later[0] / 1000 < CALLS_AT_MOST
    del optimizer


def test_the_first_step_after_many_passes_is_sampled(watched: Any) -> None:
    model, backward = model_and_pass()
    with watched(*PROBES) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(5000):
            backward()
        losses = []
        for _ in range(40):
            losses.append(backward())
            optimizer.step()
        assert seen.watch.sampling.plan.taken >= 32
    (training,) = seen.view.trainings
    assert [value for _, value in training.series("loss")] == pytest.approx(losses, rel=1e-6)
    for signal, place in (
        ("grad_norm", ""),
        ("update_norm", "0.weight"),
        ("weight_norm", "0.bias"),
    ):
        steps = [step for step, _ in training.series(signal, place)]
        assert steps[:32] == list(range(32)), signal
    assert next(iter(training.series("activation_std", "0")))[0] == 0


def test_long_accumulation_is_one_sample(watched: Any) -> None:
    model, _ = model_and_pass()
    with watched(*PROBES) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            for _ in range(100):
                F.cross_entropy(
                    model(torch.ones(8, 4)), torch.zeros(8, dtype=torch.long)
                ).backward()
            optimizer.step()
            optimizer.zero_grad()
    (training,) = seen.view.trainings
    assert [step for step, _ in training.series("grad_norm", "")] == [0, 1, 2]
    assert next(value for _, value in training.series("loss")) == pytest.approx(
        100 * dict(training.series("loss_call_value", training.places("loss_call_value")[0]))[0],
        rel=1e-4,
    )


def test_steps_by_hand_after_many_passes(watched: Any) -> None:
    model, backward = model_and_pass()
    with watched(*PROBES) as seen:
        for _ in range(300):
            backward()
        for _ in range(20):
            backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
    (training,) = seen.view.trainings
    assert training.steps == 20
    assert len(list(training.series("grad_norm", ""))) >= 18


def test_forward_passes_alone_are_sampled_for_no_longer_than_a_time(
    watched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "OWN_S_AT_MOST", 0.05)
    model, backward = model_and_pass()
    with watched(*PROBES) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        backward()
        while seen.watch.sampling.active:  # an evaluation that leaves gradients on
            model(torch.ones(8, 4))
        with counted_calls() as later:
            for _ in range(100):
                model(torch.ones(8, 4))
        assert later[0] == 0
        optimizer.step()
        assert seen.watch.clock.iteration == 0
    (training,) = seen.view.trainings
    assert [step for step, _ in training.series("update_norm", "0.weight")] == [0]
