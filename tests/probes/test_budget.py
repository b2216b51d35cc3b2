"""One budget: samples are spaced, dear measurements take turns, and the opening has a cap."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from assay.watching import budget as module
from assay.watching.budget import DEAR, OPENING_S, Budget
from assay.watching.measures import moments
from assay.watching.plan import DENSE, OPENING, SamplePlan
from assay.watching.subsample import ELEMENTS, subsample


def sampled_iterations(
    plan: SamplePlan, iterations: int, *, plain_s: float, own_s: float
) -> list[int]:
    taken = []
    for iteration in range(iterations):
        if iteration >= plan.next:
            taken.append(iteration)
            plan.sampled(iteration, own_s, plain_s + own_s)
        else:
            plan.budget.plain(plain_s)
    return taken


@pytest.mark.parametrize("plain_s", [0.3e-3, 10e-3, 1.0])
def test_after_the_opening_samples_cost_their_share(plain_s: float) -> None:
    plan = SamplePlan(Budget(0.01))
    taken = sampled_iterations(plan, 20_000, plain_s=plain_s, own_s=0.3 * plain_s)
    assert taken[:OPENING] == list(range(OPENING))
    later = len(taken) - OPENING
    assert later > 10
    assert later * 0.3 < 0.01 * 20_000


def test_the_opening_of_a_large_model_is_capped_in_seconds() -> None:
    budget = Budget(0.01)
    taken = sampled_iterations(SamplePlan(budget), OPENING, plain_s=0.06, own_s=0.33)
    assert budget.opening_s <= OPENING_S
    assert taken[:5] == list(range(5))
    assert taken[-1] > OPENING / 2 or len(taken) >= DENSE


def test_what_is_left_of_the_opening_is_spread_over_its_rest() -> None:
    taken = sampled_iterations(SamplePlan(Budget(0.01)), OPENING, plain_s=0.06, own_s=0.2)
    assert taken[:DENSE] == list(range(DENSE))
    assert max(b - a for a, b in pairwise(taken)) <= 5
    assert taken[-1] >= OPENING - 5


def test_an_opening_of_long_steps_may_take_half_of_their_time() -> None:
    budget = Budget(0.01)
    taken = sampled_iterations(SamplePlan(budget), OPENING, plain_s=10.0, own_s=4.0)
    assert taken == list(range(OPENING))
    budget = Budget(0.01)
    sampled_iterations(SamplePlan(budget), OPENING, plain_s=10.0, own_s=40.0)
    assert 3 * 40 <= budget.opening_s <= 16 * 10


def test_a_requested_window_is_dense_and_is_paid_for_afterwards() -> None:
    plan = SamplePlan(Budget(0.01))
    sampled_iterations(plan, 10_000, plain_s=1e-3, own_s=1e-3)
    assert plan.request(10_000)
    later, windows = [], 1
    for iteration in range(10_001, 40_000):
        if iteration >= plan.next:
            later.append(iteration)
            plan.sampled(iteration, 1e-3, 2e-3)
            windows += plan.request(iteration)  # of an event that never ends
    assert later[:DENSE] == list(range(10_001, 10_001 + DENSE))
    assert windows > 2
    assert len(later) <= 0.0065 * 30_000


class Clockwork:
    """Time that passes only as the test says."""

    now = 0.0


@pytest.fixture
def clockwork(monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    monkeypatch.setattr(module, "perf_counter", lambda: Clockwork.now)
    return Clockwork()


@pytest.mark.parametrize("count", [1, 2, 12])
def test_dear_measurements_take_turns_and_cost_the_same_however_many(
    clockwork: Clockwork, count: int
) -> None:
    budget, names = Budget(0.01), [f"probe {i}" for i in range(count)]
    made: dict[str, int] = dict.fromkeys(names, 0)
    spent = 0.0
    for iteration in range(20_000):
        Clockwork.now += 0.1
        granted = [n for n in names if budget.grant(n, iteration, opening=False, steps=3)]
        assert len(granted) <= 1
        for name in granted:
            budget.charge(name, 0.05, opening=False)
            made[name] += 1
            spent += 0.05
    allowed = DEAR * 0.01 * 2000
    assert 0.9 * allowed < spent <= allowed
    assert max(made.values()) - min(made.values()) <= 1


def test_one_that_asks_no_more_does_not_hold_up_the_others(clockwork: Clockwork) -> None:
    budget = Budget(1.0)
    assert budget.grant("a", 0, opening=True)
    assert not budget.grant("gone", 0, opening=True)
    assert not budget.grant("a", 1, opening=True)
    assert budget.grant("a", 1000, opening=True)


def test_a_dear_measurement_that_the_opening_cannot_hold_is_not_begun() -> None:
    budget = Budget(0.01)
    budget.plain(1.0)
    assert not budget.grant("sharpness", 3, opening=True, steps=30)
    assert budget.grant("short", 3, opening=True, steps=3) is False  # the other one waits before it
    assert Budget(0.01).grant("sharpness", 3, opening=True, steps=30)


SHAPES = [(64, 48, 32, 32), (100, 7, 7, 64), (3, 100_003), (1 << 20,), (33, 128, 96)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_subsample_stands_for_the_whole(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape) * torch.linspace(0.5, 2, shape[-1]) + 3
    chosen = subsample(x)
    assert ELEMENTS / 2 < chosen.numel() <= ELEMENTS
    assert chosen.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert float(moments(chosen)[1]) == pytest.approx(float(x.std()), rel=0.05)
    last = torch.arange(shape[-1]).expand(shape).contiguous()
    met = torch.bincount(subsample(last), minlength=shape[-1])
    if shape[-1] <= 128:
        assert int(met.min()) >= 0.9 * chosen.numel() / shape[-1]


@pytest.mark.parametrize("layout", ["channels last", "transposed"])
def test_a_dense_tensor_in_another_order_is_not_copied(layout: str) -> None:
    x = torch.randn(16, 16, 32, 32)
    x = x.to(memory_format=torch.channels_last) if layout == "channels last" else x.transpose(0, 3)
    chosen = subsample(x)
    assert chosen.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


def test_the_deviation_survives_a_large_mean() -> None:
    x = torch.randn(8192, dtype=torch.float64) * 1e-2 + 1000
    exact = float(x.std(correction=0))
    assert float(moments(x.float())[1]) == pytest.approx(exact, rel=1e-2)
    assert math.isnan(float(moments(torch.tensor([1.0, math.nan]))[1]))


def test_measurements_of_activations_are_those_of_the_whole(watched: Any) -> None:
    from assay.probes.activations import Activations

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    x = torch.randn(3000, 6)
    with watched(Activations) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        model(x).square().mean().backward()
        optimizer.step()
        with torch.no_grad():
            out = model[:2](x)
    (training,) = seen.view.trainings
    seen_at = {s: dict(training.series(f"activation_{s}", "1"))[0] for s in
               ("mean", "std", "zero_share", "nonfinite_share")}  # fmt: skip
    assert seen_at["mean"] == pytest.approx(float(out.mean()), rel=1e-5)
    assert seen_at["std"] == pytest.approx(float(out.std()), rel=0.03)
    assert seen_at["zero_share"] == pytest.approx(float((out == 0).float().mean()), abs=0.02)
    assert seen_at["nonfinite_share"] == 0.0


def test_one_number_in_a_million_that_is_not_finite_is_seen(watched: Any) -> None:
    from assay.probes.activations import Activations

    model = torch.nn.Sequential(torch.nn.Linear(1, 1000, bias=False), torch.nn.Tanh())
    x = torch.ones(1000, 1)
    x[17] = math.nan
    with watched(Activations) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        model(x).sum().backward()
        optimizer.step()
    (training,) = seen.view.trainings
    assert dict(training.series("activation_nonfinite_share", "0"))[0] == pytest.approx(1e-3)
