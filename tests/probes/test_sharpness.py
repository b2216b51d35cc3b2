from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.curvature.hessian import lanczos, why_no_second_derivative
from assay.probes.optimizer.sharpness import LATE, Sharpness, stability_limit
from assay.tricks.handle import attach
from assay.tricks.reading import read


def model_and_batch() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    return model, torch.randn(64, 6), torch.randint(0, 3, (64,))


def dense_hessian(model: nn.Module, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """Row by row, by autograd; scaled from both sides."""
    names = [name for name, _ in model.named_parameters()]
    shapes = [p.shape for p in model.parameters()]

    def loss(flat: Tensor) -> Tensor:
        parts = flat.split([s.numel() for s in shapes])
        weights = {n: p.view(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        return F.cross_entropy(torch.func.functional_call(model, weights, (x,)), y)

    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    return torch.autograd.functional.hessian(loss, flat) * scale[:, None] * scale[None, :]


def test_lanczos_finds_both_ends_where_power_iteration_finds_the_larger_magnitude() -> None:
    torch.manual_seed(0)
    q, _ = torch.linalg.qr(torch.randn(60, 60))
    matrix = q @ torch.diag(torch.cat([torch.tensor([3.0, -5.0]), torch.rand(58)])) @ q.T
    found = lanczos(lambda v: matrix @ v, torch.randn(60), 40, 1e-3)
    assert found.high == pytest.approx(3.0, rel=1e-3)
    assert found.low == pytest.approx(-5.0, rel=1e-2)
    assert torch.linalg.vector_norm(matrix @ found.vector - 3 * found.vector) < 0.05


def test_lanczos_ends_at_an_invariant_subspace() -> None:
    found = lanczos(lambda v: 2 * v, torch.ones(5), 10)
    assert (found.high, found.products) == (pytest.approx(2.0), 1)
    assert lanczos(lambda v: 0 * v, torch.ones(5), 10).high == 0.0


OPTIMIZERS: dict[str, tuple[Any, dict[str, Any], float]] = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}, 2.0),
    "momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, 3.8),
    "nesterov": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, 3.8 / 2.8),
    "adam": (torch.optim.Adam, {"lr": 0.01}, 38.0),
    "adamw": (torch.optim.AdamW, {"lr": 0.01, "betas": (0.8, 0.99)}, 18.0),
    "amsgrad": (torch.optim.Adam, {"lr": 0.01, "amsgrad": True}, 38.0),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.01}, 2.0),
    "centred": (torch.optim.RMSprop, {"lr": 0.01, "centered": True, "momentum": 0.5}, 3.0),
}


def divisor(optimizer: torch.optim.Optimizer, name: str, step: int) -> Tensor:
    """The diagonal by which the optimizer divides, from the formulas of its paper."""
    parts = []
    for group in optimizer.param_groups:
        for p in group["params"]:
            state = optimizer.state[p]
            if name in ("sgd", "momentum", "nesterov"):
                parts.append(torch.ones(p.numel()))
            elif name == "rmsprop":
                parts.append(state["square_avg"].sqrt().flatten() + group["eps"])
            elif name == "centred":
                variance = state["square_avg"] - state["grad_avg"] ** 2
                parts.append(variance.sqrt().flatten() + group["eps"])
            else:
                v = state["max_exp_avg_sq" if name == "amsgrad" else "exp_avg_sq"].flatten()
                b1, b2 = group["betas"]
                parts.append(((v / (1 - b2**step)).sqrt() + group["eps"]) * (1 - b1**step))
    return torch.cat(parts)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sharpness_is_that_of_the_dense_hessian(watched: Any, name: str) -> None:
    kind, settings, limit = OPTIMIZERS[name]
    model, x, y = model_and_batch()
    with watched(Sharpness) as seen:
        optimizer = kind(model.parameters(), **settings)
        for step in range(LATE + 1):
            if step == LATE:
                scale = divisor(optimizer, name, step) ** -0.5
                values = torch.linalg.eigvalsh(dense_hessian(model, x, y, scale))
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    training = seen.view.trainings[0]
    assert training.series("sharpness").at(LATE) == pytest.approx(float(values[-1]), rel=0.05)
    assert float(values[0]) < 0
    assert 1.05 * values[0] <= training.series("sharpness_min").at(LATE) < 0
    measured = training.series("rate_times_sharpness").at(LATE)
    assert measured == pytest.approx(settings["lr"] * float(values[-1]), rel=0.05)
    assert training.series("stability_limit").at(LATE) == pytest.approx(limit)


def test_groups_with_their_own_rates_are_scaled_by_them(watched: Any) -> None:
    model, x, y = model_and_batch()
    rates = (0.4, 0.05)
    parts = (list(model[0].parameters()), list(model[2].parameters()))
    with watched(Sharpness) as seen:
        groups = [{"params": p, "lr": r} for p, r in zip(parts, rates, strict=True)]
        optimizer = torch.optim.SGD(groups)
        scale = torch.cat(
            [torch.full((p.numel(),), r) for ps, r in zip(parts, rates, strict=True) for p in ps]
        ).sqrt()
        expected = torch.linalg.eigvalsh(dense_hessian(model, x, y, scale))[-1]
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    training = seen.view.trainings[0]
    measured = training.series("rate_times_sharpness").at(0)
    assert measured == pytest.approx(float(expected), rel=0.15)  # the first one is a quick one
    assert training.series("sharpness").at(0) == pytest.approx(measured / 0.4, rel=1e-5)


def test_the_rate_is_the_one_that_a_trick_gives_the_step(watched: Any) -> None:
    model, x, y = model_and_batch()
    with watched(Sharpness) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with attach([read("lr=0.3")], [model, optimizer]):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    training = seen.view.trainings[0]
    sharpness = training.series("sharpness").at(0)
    assert training.series("rate_times_sharpness").at(0) == pytest.approx(0.3 * sharpness)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_rates_changed_from_group_to_group_before_the_step_have_another_sharpness(
    watched: Any,
) -> None:
    model, x, y = model_and_batch()
    with watched(Sharpness) as seen:
        groups = [{"params": list(model[0].parameters())}, {"params": list(model[2].parameters())}]
        optimizer = torch.optim.SGD(groups, lr=0.1)
        F.cross_entropy(model(x), y).backward()
        optimizer.param_groups[0]["lr"] = 0.05
        optimizer.step()
    assert not seen.view.trainings[0].series("sharpness").steps


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("inside", [0.97, 1.03])
def test_the_limits_are_where_a_quadratic_begins_to_diverge(name: str, inside: float) -> None:
    """On f(x) = h x^2 / 2. A large eps holds Adam's divisor at 1 while gradients are tiny."""
    kind, settings, _ = OPTIMIZERS[name]
    weight = nn.Parameter(torch.tensor([1e-30 if name == "adam" else 1.0], dtype=torch.float64))
    settings = {**settings, **({"eps": 1.0, "betas": (0.9, 1 - 1e-15)} if name == "adam" else {})}
    optimizer = kind([weight], **settings)
    limit = stability_limit(optimizer, optimizer.param_groups[0])
    assert limit is not None
    sizes = []
    for _ in range(120):
        optimizer.zero_grad()
        (inside * limit / settings["lr"] * weight**2 / 2).sum().backward()
        optimizer.step()
        sizes.append(float(weight.detach().abs()))
    assert (max(sizes[90:]) < max(sizes[60:90])) == (inside < 1)


def test_it_is_measured_rarely_and_only_twice_in_a_short_run(watched: Any) -> None:
    model, x, y = model_and_batch()
    with watched(Sharpness, budget=1e-9) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(200):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert list(seen.view.trainings[0].series("sharpness").steps) == [0, LATE]


def test_fused_attention_is_said_to_have_no_second_derivative() -> None:
    q = torch.randn(1, 2, 8, 16, requires_grad=True)
    loss = F.scaled_dot_product_attention(q, q, q).sum()
    assert "second derivative" in str(why_no_second_derivative(loss))
    assert why_no_second_derivative((q**2).sum()) is None


def test_half_precision_is_not_measured(watched: Any) -> None:
    model, x, y = model_and_batch()
    model.to(torch.bfloat16)
    with watched(Sharpness) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        F.cross_entropy(model(x.bfloat16()), y).backward()
        optimizer.step()
    assert "half precision" in seen.view.skipped["sharpness"]


def test_an_unknown_optimizer_is_said(watched: Any) -> None:
    model, x, y = model_and_batch()
    with watched(Sharpness) as seen:
        optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
        for _ in range(30):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert "Adagrad" in seen.view.skipped["sharpness"]
