"""Schedules against torch's own, and where torch's are wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as torch_schedulers

from assay.tricks.rate.curves import CURVES, Plateau

TOTAL = 50


def of_torch(make: Any, steps: int = TOTAL, lr: float = 1.0, **settings: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer, **settings)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(kind: str, steps: int = TOTAL, **settings: Any) -> list[float]:
    curve = CURVES[kind]
    return [curve.function(t, **{**curve.otherwise, **settings}) for t in range(steps)]


@pytest.mark.parametrize(
    ("kind", "settings", "theirs", "their_settings"),
    [
        ("step", {"every": 7, "gamma": 0.3}, "StepLR", {"step_size": 7, "gamma": 0.3}),
        ("multi-step", {"milestones": (5, 20), "gamma": 0.2}, "MultiStepLR",
         {"milestones": [5, 20], "gamma": 0.2}),
        ("exponential", {"gamma": 0.97}, "ExponentialLR", {"gamma": 0.97}),
        ("polynomial", {"total": 40, "power": 2.0}, "PolynomialLR",
         {"total_iters": 40, "power": 2.0}),
        ("cosine", {"total": TOTAL, "end": 0.1}, "CosineAnnealingLR",
         {"T_max": TOTAL, "eta_min": 0.1}),
        ("cosine-restarts", {"period": 3, "growth": 2, "end": 0.05}, "CosineAnnealingWarmRestarts",
         {"T_0": 3, "T_mult": 2, "eta_min": 0.05}),
        ("cosine-restarts", {"period": 6}, "CosineAnnealingWarmRestarts", {"T_0": 6}),
        ("cyclic", {"period": 12, "start": 0.2}, "CyclicLR",
         {"base_lr": 0.2, "max_lr": 1.0, "step_size_up": 6, "cycle_momentum": False}),
        ("one-cycle", {"total": TOTAL, "rise": 0.3, "start": 0.04, "end": 4e-6}, "OneCycleLR",
         {"max_lr": 1.0, "total_steps": TOTAL, "cycle_momentum": False}),
        ("inverse-time", {"slope": 0.1}, "LambdaLR", {"lr_lambda": lambda t: 1 / (1 + 0.1 * t)}),
    ],
)  # fmt: skip
def test_equal_to_torch(kind: str, settings: Any, theirs: str, their_settings: Any) -> None:
    expected = of_torch(getattr(torch_schedulers, theirs), **their_settings)
    assert ours(kind, **settings) == pytest.approx(expected, abs=1e-12, rel=0)
    assert len(set(expected)) > 2


def test_equal_to_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    theirs = of_torch(
        transformers.get_inverse_sqrt_schedule, num_warmup_steps=0, timescale=9, steps=TOTAL
    )
    assert ours("inverse-sqrt", timescale=9) == pytest.approx(theirs, abs=1e-12)
    theirs = of_torch(
        transformers.get_wsd_schedule, num_warmup_steps=0, num_decay_steps=10, decay_type="linear",
        num_training_steps=TOTAL, min_lr_ratio=0.1,
    )  # fmt: skip
    mine = ours("warmup-stable-decay", total=TOTAL, rise=0.0, decay=0.2, end=0.1)
    assert mine == pytest.approx(theirs, abs=1e-12)


def test_the_rate_stays_where_the_run_should_have_ended() -> None:
    for kind in ("cosine", "one-cycle", "polynomial", "warmup-stable-decay"):
        after = ours(kind, steps=3 * TOTAL, total=TOTAL)[TOTAL:]
        assert len(set(after)) == 1, kind
    rises = of_torch(torch_schedulers.CosineAnnealingLR, T_max=TOTAL, steps=2 * TOTAL)
    assert rises[-1] > 0.9  # torch's own, for the record


@pytest.mark.parametrize("kind", ["warmup-stable-decay", "one-cycle", "cosine", "polynomial"])
def test_no_step_of_the_run_is_wasted(kind: str) -> None:
    assert min(ours(kind, total=TOTAL)) > 0


@pytest.mark.parametrize("total", [1, 2, 3])
@pytest.mark.parametrize("kind", ["warmup-stable-decay", "one-cycle", "cosine", "polynomial"])
def test_short_runs(kind: str, total: int) -> None:
    assert all(0 <= factor <= 1 for factor in ours(kind, steps=total + 2, total=total))


def test_peak_is_one() -> None:
    settings: dict[str, dict[str, Any]] = {
        "step": {"every": 5}, "multi-step": {"milestones": (3,)}, "exponential": {"gamma": 0.9},
        "inverse-time": {"slope": 0.1}, "cosine-restarts": {"period": 10}, "cyclic": {"period": 10},
        "inverse-sqrt": {},
    }  # fmt: skip
    for kind in CURVES:
        given = settings.get(kind, {"total": TOTAL})
        top = max(ours(kind, **given))
        assert top == pytest.approx(1, abs=1e-2), kind
        assert top <= 1, kind


def plateau_of_torch(metrics: list[float], **settings: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch_schedulers.ReduceLROnPlateau(optimizer, **settings)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


METRICS = [3.0, 2.0, 1.5, 1.6, 1.5, 1.49999, 1.4, 1.4, 1.4, 1.5, 1.6, 1.3, 1.3, 1.3, 1.3, 1.3, 1.2]


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau_is_torchs_where_that_is_right(patience: int) -> None:
    mine = Plateau(gamma=0.5, patience=patience, end=0.01)
    theirs = plateau_of_torch(METRICS, factor=0.5, patience=patience, min_lr=0.01)
    assert [mine.update(metric) for metric in METRICS] == pytest.approx(theirs, abs=1e-12)
    assert theirs[-1] < 1


def test_plateau_knows_better_from_worse_below_zero() -> None:
    worse = [-1.0 + 0.00005 * i for i in range(10)]  # rises: a bad reading each
    mine = Plateau(gamma=0.5, patience=2, end=0.0)
    assert [mine.update(metric) for metric in worse][-1] < 1
    assert plateau_of_torch(worse[:2], factor=0.5, patience=0)[-1] == 1  # torch calls it better


def test_plateau_passes_over_nan() -> None:
    mine = Plateau(gamma=0.5, patience=0, end=0.0)
    mine.update(1.0)
    assert mine.update(math.nan) == 1.0
    assert plateau_of_torch([1.0, math.nan], factor=0.5, patience=0)[-1] == 0.5
