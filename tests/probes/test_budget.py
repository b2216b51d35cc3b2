"""Samples and dear measurements are planned by count; time thins out only what is truly dear."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from assay.watching import budget as module
from assay.watching.budget import AT_FIRST, OPENING_S, SHARE, THINNING_AT_MOST, Budget
from assay.watching.measures import moments
from assay.watching.plan import DENSE, OPENING, OPENINGS, WINDOWS, SamplePlan
from assay.watching.subsample import ELEMENTS, subsample


def sampled_iterations(
    plan: SamplePlan, iterations: int, *, plain_s: float, own_s: float, since: int = 0
) -> list[int]:
    taken = []
    for iteration in range(since, since + iterations):
        if iteration >= plan.next:
            taken.append(iteration)
            plan.sampled(iteration, own_s, plain_s + own_s, own_s)
        else:
            plan.budget.plain(plain_s)
    return taken


# -- the plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize("iterations", [100, 300, 1000, 5000, 20_000, 100_000])
def test_samples_lie_all_over_a_run_of_any_length(iterations: int) -> None:
    taken = sampled_iterations(SamplePlan(Budget(0.01)), iterations, plain_s=5e-3, own_s=2e-3)
    assert taken[:OPENING] == list(range(OPENING))
    assert len(taken) - OPENING >= 32
    assert sum(at >= 0.75 * iterations for at in taken) >= 2
    assert len(taken) <= 170
    assert max(b - a for a, b in pairwise(taken)) <= max(4, iterations / 6)


@pytest.mark.parametrize("slow", [1.0, 10.0, 0.1])
def test_how_fast_the_machine_is_does_not_matter(slow: float) -> None:
    usual = sampled_iterations(SamplePlan(Budget(0.01)), 5000, plain_s=2e-3, own_s=1e-3)
    plan = SamplePlan(Budget(0.01))
    assert sampled_iterations(plan, 5000, plain_s=2e-3 * slow, own_s=1e-3 * slow) == usual


def test_load_that_comes_and_goes_does_not_matter() -> None:
    usual = sampled_iterations(SamplePlan(Budget(0.01)), 3000, plain_s=50e-3, own_s=40e-3)
    plan, taken = SamplePlan(Budget(0.01)), []
    for iteration in range(3000):
        load = (1.0, 2.0, 1.3, 3.0)[iteration // 7 % 4]
        if iteration >= plan.next:
            taken.append(iteration)
            plan.sampled(iteration, 40e-3 * load, 90e-3 * load, 40e-3)
        else:
            plan.budget.plain(50e-3 * load)
    assert taken == usual


@pytest.mark.parametrize("period", [2, 3, 6])
def test_samples_keep_no_step_with_players_that_take_turns(period: int) -> None:
    taken = sampled_iterations(SamplePlan(Budget(0.01)), 1000, plain_s=5e-3, own_s=2e-3)
    later = [at % period for at in taken if at >= 2 * OPENING]
    for player in range(period):
        assert later.count(player) >= 0.5 * len(later) / period


def test_what_is_truly_dear_is_thinned_out_in_powers_of_two_and_told() -> None:
    plan, told = SamplePlan(Budget(0.01)), []
    plan.on_thinned = lambda iteration, gap: told.append(gap)
    taken = sampled_iterations(plan, 10_000, plain_s=0.1, own_s=1.0)
    early = [at for at in taken if OPENING < at < 1000]
    assert len(early) < 50
    assert sum(at >= 7500 for at in taken) >= 2, "later they are far apart anyway"
    assert told
    assert all(gap & (gap - 1) == 0 for gap in told)


def test_a_larger_share_pays_for_more_samples_and_a_tiny_one_for_none() -> None:
    counts = [
        len(sampled_iterations(SamplePlan(Budget(share)), 2000, plain_s=1e-3, own_s=1e-3))
        for share in (1e-9, 0.01, 0.05, 1.0)
    ]
    assert counts[0] < 40
    assert sorted(counts) == counts
    assert counts[-1] > 1000


def test_an_opening_is_looked_at_in_full_at_first_and_then_now_and_then() -> None:
    plan = SamplePlan(Budget(0.01))
    full = [at for at in range(OPENING) if plan.is_full(at)]
    assert full == [*range(8), 8, 12, 16, 20, 24, 28]
    assert all(SamplePlan(Budget(0.1)).is_full(at) for at in range(OPENING))
    sampled_iterations(plan, 1000, plain_s=1e-3, own_s=1e-3)
    assert plan.open(999)
    assert [at for at in range(1000, 1032) if plan.is_full(at)] == [1000 + at for at in full]
    plan.request(1050, "rate")
    assert all(plan.is_full(at) for at in range(1051, 1051 + DENSE))


def test_every_other_batch_of_an_opening_is_computed_again_after_the_first_eight() -> None:
    plan = SamplePlan(Budget(0.01))
    again = [at for at in range(OPENING) if plan.is_repeated(at)]
    assert again == [*range(8), *range(8, 32, 2)]
    assert all(SamplePlan(Budget(0.1)).is_repeated(at) for at in range(OPENING))


# -- openings and windows ------------------------------------------------------------------------


def test_the_opening_of_a_large_model_is_capped_in_seconds() -> None:
    budget = Budget(0.01)
    taken = sampled_iterations(SamplePlan(budget), OPENING, plain_s=0.06, own_s=0.33)
    assert budget.opening_s <= OPENING_S
    assert taken[:5] == list(range(5))
    assert taken[-1] > OPENING / 2 or len(taken) >= DENSE


def test_what_is_left_of_the_opening_is_spread_over_its_rest() -> None:
    taken = sampled_iterations(SamplePlan(Budget(0.01)), OPENING, plain_s=0.06, own_s=0.2)
    assert taken[:DENSE] == list(range(DENSE))
    assert {b - a for a, b in pairwise(taken[DENSE:])} <= {1, 2, 4, 8}
    assert taken[-1] >= OPENING - 8


def test_an_opening_of_long_steps_may_take_half_of_their_time() -> None:
    budget = Budget(0.01)
    taken = sampled_iterations(SamplePlan(budget), OPENING, plain_s=10.0, own_s=4.0)
    assert taken == list(range(OPENING))
    budget = Budget(0.01)
    sampled_iterations(SamplePlan(budget), OPENING, plain_s=10.0, own_s=40.0)
    assert 3 * 40 <= budget.opening_s <= 16 * 10


def test_a_second_training_is_sampled_as_closely_as_the_first() -> None:
    plan = SamplePlan(Budget(0.01))
    first = sampled_iterations(plan, 1000, plain_s=1e-3, own_s=1e-3)
    assert plan.open(999)
    second = sampled_iterations(plan, 1000, plain_s=1e-3, own_s=1e-3, since=1000)
    assert second[:OPENING] == list(range(1000, 1000 + OPENING))
    assert [at - 1000 for at in second[:60]] == pytest.approx(first[:60], abs=3)
    assert abs(len(second) - len(first)) < 10


def test_an_optimizer_for_every_task_does_not_keep_the_opening_open() -> None:
    plan, taken = SamplePlan(Budget(0.01)), 0
    for iteration in range(100_000):
        plan.open(iteration)
        if iteration >= plan.next:
            taken += 1
            plan.sampled(iteration, 1e-3, 2e-3, 1e-3)
        else:
            plan.budget.plain(1e-3)
    assert taken < 5 * OPENINGS * OPENING


def test_windows_of_an_event_that_never_ends_are_few() -> None:
    plan, taken = SamplePlan(Budget(0.01)), []
    for iteration in range(20_000):
        if iteration >= plan.next:
            taken.append(iteration)
            plan.sampled(iteration, 1e-3, 2e-3, 1e-3)
        else:
            plan.budget.plain(1e-3)
        if iteration >= 1000:
            plan.request(iteration, "rate")
            plan.request_one(iteration, "epoch")
    assert {*range(1001, 1001 + WINDOWS * DENSE)} <= {*taken}
    assert len(taken) < 1000


def test_a_single_sample_that_was_asked_for_is_not_lost() -> None:
    plan = SamplePlan(Budget(0.01))
    sampled_iterations(plan, 5000, plain_s=1e-3, own_s=1e-3)
    plan.request(4999, "rate", 1)
    plan.request_one(5000, "evaluation")
    assert sampled_iterations(plan, 10, plain_s=1e-3, own_s=1e-3, since=5000) == [5000, 5001]


# -- dear measurements ---------------------------------------------------------------------------


class Clockwork:
    """CPU time that passes only as the test says."""

    now = 0.0


@pytest.fixture(autouse=True)
def _clockwork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "thread_time", lambda: Clockwork.now)


def measured_at(
    budget: Budget, names: dict[str, float], iterations: int, seconds: float
) -> dict[str, list[int]]:
    made: dict[str, list[int]] = {name: [] for name in names}
    for iteration in range(iterations):
        budget.plain(seconds)
        if iteration < OPENING and iteration not in (0, 1, 2, 3, 5, 8, 12, 26, 27, 28):
            continue  # probes ask now and then in an opening
        granted = [
            name
            for name, steps in names.items()
            if budget.grant(name, iteration, began=0, opening=iteration < OPENING, steps=steps)
        ]
        assert len(granted) <= 1
        for name in granted:
            Clockwork.now += names[name] * seconds
            budget.charge(name, names[name] * seconds, opening=iteration < OPENING)
            made[name].append(iteration)
    return made


@pytest.mark.parametrize("iterations", [100, 1411, 20_000])
def test_dear_measurements_are_spread_over_the_run_whatever_the_clock(iterations: int) -> None:
    names = {"sharpness": 7.5, "step_quality": 2.0, "forward": 0.7}
    made = measured_at(Budget(0.01), names, iterations, 1e-3)
    spent = sum(names[name] for name, at in made.items() for i in at if i >= OPENING)
    assert spent <= sum(AT_FIRST.values()) + sum(SHARE.values()) * iterations
    for name, at in made.items():
        assert len([i for i in at if i >= OPENING]) >= (3 if iterations > 400 else 0), name
    assert measured_at(Budget(0.01), names, iterations, 4e-3) == made


def test_what_waits_for_a_thorough_sample_does_not_hold_back_a_sharpness() -> None:
    budget, made = Budget(0.01), {"sharpness": [], "questions": []}
    for iteration in range(OPENING, 4000):
        for name, steps, asks in (
            ("sharpness", 7.5, True),
            ("questions", 1.0, iteration % 64 == 0),
        ):
            if asks and budget.grant(name, iteration, began=0, opening=False, steps=steps):
                budget.charge(name, 0.0, opening=False)
                made[name].append(iteration)
    assert made["sharpness"][:3] == [32, 152, 272], "as soon as it is due"
    assert len(made["questions"]) >= 8


def test_a_measurement_that_takes_seconds_is_made_more_rarely() -> None:
    fast = measured_at(Budget(0.01), {"sharpness": 7.5}, 2000, 1e-3)["sharpness"]
    slow = measured_at(Budget(0.01), {"sharpness": 7.5}, 2000, 16.0)["sharpness"]
    assert [i for i in fast if i >= OPENING] == [148, 268, 388]
    assert [i for i in slow if i >= OPENING] == [961, 1921], "of two minutes"


def test_one_that_asks_no_more_does_not_hold_up_the_others() -> None:
    budget = Budget(1.0)
    ask = {"began": 0, "opening": True, "steps": 0.0}
    assert budget.grant("a", 0, **ask)
    assert not budget.grant("gone", 0, **ask)
    assert not budget.grant("a", 1, **ask)
    assert budget.grant("a", 1000, **ask)


def test_a_dear_measurement_that_the_opening_cannot_hold_is_not_begun() -> None:
    budget = Budget(0.01)
    budget.plain(1.0)
    assert not budget.grant("sharpness", 3, began=0, opening=True, steps=30)
    assert budget.grant("short", 3, began=0, opening=True, steps=3), "it need not wait for that"
    assert Budget(0.01).grant("sharpness", 3, began=0, opening=True, steps=30)


def test_thinning_ends_somewhere() -> None:
    budget = Budget(1e-12)
    budget.plain(1e-6)
    budget.sampled(1e3, 1e3, 1e3, opening=False)
    assert budget.thinning() <= THINNING_AT_MOST


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
    from assay.probes.model.activations import Activations

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
               ("std", "zero_share", "nonfinite_share")}  # fmt: skip
    assert seen_at["std"] == pytest.approx(float(out.std()), rel=0.03)
    assert seen_at["zero_share"] == pytest.approx(float((out == 0).float().mean()), abs=0.02)
    assert seen_at["nonfinite_share"] == 0.0


def test_one_number_in_a_million_that_is_not_finite_is_seen(watched: Any) -> None:
    from assay.probes.model.activations import Activations

    model = torch.nn.Sequential(torch.nn.Linear(1, 1000, bias=False), torch.nn.Tanh())
    x = torch.ones(1000, 1)
    x[17] = math.nan
    with watched(Activations) as seen:
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        model(x).sum().backward()
        optimizer.step()
    (training,) = seen.view.trainings
    assert dict(training.series("activation_nonfinite_share", "0"))[0] == pytest.approx(1e-3)
