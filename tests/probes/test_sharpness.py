from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from noting import Noting
from torch import Tensor, nn

from assay.curvature.hessian import Extremes, lanczos, why_no_second_derivative
from assay.probes.optimizer import sharpness as module
from assay.probes.optimizer.sharpness import (
    LATE,
    Sharpness,
    preconditioner,
    proportions,
    stability_limit,
)
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


# -- when it is measured, with nothing measured ---------------------------------------------------


class Planned(Noting):
    """Says yes to what it is asked for, and notes what was asked and listened to."""

    def __init__(self) -> None:
        super().__init__(
            opening=32, opening_began=0, in_closure=False, training_alone=None, granted=True,
            asked=[], charged=[], listening=[],
        )  # fmt: skip

    def grant(self, steps: float) -> bool:
        self.asked.append(steps)
        return self.granted

    def charge(self, began: float, steps: float) -> None:
        self.charged.append(steps)

    def listen(self, event: str, listener: Any, *, first: bool = False) -> None:
        if (event, first) not in self.listening:
            self.listening.append((event, first))

    def unlisten(self, event: str, listener: Any) -> None:
        self.listening = [known for known in self.listening if known[0] != event]

    def silence(self) -> Any:
        return contextlib.nullcontext()

    def new_recorder(self) -> Any:
        self.rows: list[dict[str, float]] = [{}]
        return SimpleNamespace(
            put=lambda name, place, value: self.rows[-1].update({name: value}),
            close=lambda training, step: self.rows.append({}),
        )

    def training(self, optimizer: Any) -> Any:
        return SimpleNamespace(index=0, step=self.iteration)


class Told:
    """Tells a sharpness of backward passes and steps; measuring takes so many products."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, optimizer: Any, took: int = 3) -> None:
        self.watch, self.optimizer, self.took = Planned(), optimizer, took
        self.probe = Sharpness(self.watch)
        self.probe.on_optimizer_created(optimizer)
        self.root = optimizer.param_groups[0]["params"][0].square().sum()
        self.high = 4.0

        def measure(loss: Any, of: Any) -> int:
            rates = [float(group["lr"]) for group in of.param_groups]
            self.probe._proportions = proportions(rates)
            self.probe._found = {"sharpness": self.high, "stability_limit": 2.0}
            if self.probe._is_again:
                self.probe._again_took = self.took
            self.probe._vector = torch.ones(2)
            return self.took

        monkeypatch.setattr(self.probe, "_measure", measure)

    def at(self, iteration: int) -> None:
        """One sampled iteration."""
        self.watch.iteration = iteration
        self.probe.iteration_begins()
        if ("backward_begin", False) in self.watch.listening:
            self.probe._on_backward_begin(self.root, False)
        if ("step_end", True) in self.watch.listening:
            self.probe._on_step_end(self.optimizer)

    def upto(self, iterations: int, begin: int = 0) -> list[int]:
        """The iterations at which it was measured."""
        found = []
        for iteration in range(begin, iterations):
            before = len(self.watch.charged)
            self.at(iteration)
            found += [iteration] * (len(self.watch.charged) - before)
        return found


def sgd(*rates: float) -> torch.optim.SGD:
    return torch.optim.SGD([{"params": [nn.Parameter(torch.ones(2))], "lr": r} for r in rates])


def test_it_is_measured_at_once_late_in_the_opening_and_at_twice_the_distance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(monkeypatch, sgd(0.1))
    assert told.upto(600) == [0, LATE, 52, 104, 208, 416]
    assert told.watch.asked == [10.0, 30.0, 7.5, 7.5, 7.5, 7.5]
    assert told.watch.charged == [7.5] * 6
    assert (
        told.watch.rows[:-1]
        == [{"sharpness": 4.0, "stability_limit": 2.0, "rate_times_sharpness": 0.4}] * 6
    )
    assert told.watch.listening == []


def test_with_a_second_moment_it_waits_until_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    adam = torch.optim.Adam([nn.Parameter(torch.ones(2))])
    told = Told(monkeypatch, adam)
    assert told.upto(53) == [LATE, 52]
    assert told.watch.asked == [30.0, 7.5]


def test_what_the_last_one_took_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, sgd(0.1), took=5)
    told.upto(105)
    assert told.watch.asked == [10.0, 30.0, 7.5, 12.5]
    assert told.watch.charged == [12.5] * 4


def test_another_opening_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, sgd(0.1))
    told.upto(300)
    told.watch.opening_began = 300
    assert told.upto(420, 300) == [300, 326, 352, 404]


def test_it_asks_again_a_little_later_where_it_was_not_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(monkeypatch, sgd(0.1))
    told.watch.granted = False
    told.probe.finish()
    assert told.watch.why == {}
    assert told.upto(3) == []
    assert told.watch.asked == [10.0, 30.0, 30.0]
    told.probe.finish()
    assert "longer than the budget" in told.watch.why["sharpness"]
    told.watch.asked.clear()
    told.upto(200, 3)
    assert len(told.watch.asked) == sum(1 for _ in asks(3, 200))
    told.watch.granted = True
    told.watch.why.clear()
    assert told.upto(210, 200)[0] in range(200, 207)
    told.probe.finish()
    assert told.watch.why == {}


def asks(at: int, until: int) -> Iterator[int]:
    """Each iteration at first, and at distances of a 32nd later."""
    while at < until:
        yield at
        at += max(1, at // 32)


def test_rates_in_other_proportions_and_a_sharpness_of_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told(monkeypatch, sgd(0.1, 0.4))
    told.at(0)
    assert told.watch.rows[0]["rate_times_sharpness"] == pytest.approx(1.6)
    assert told.probe._proportions == [0.25, 1.0]
    told.watch.iteration = LATE
    told.probe.iteration_begins()
    told.probe._on_backward_begin(told.root, False)
    told.optimizer.param_groups[0]["lr"] = 0.2
    told.probe._on_step_end(told.optimizer)
    assert len(told.watch.rows) == 2, "measured in other coordinates"
    assert told.upto(60, LATE + 1) == [52], "and yet it counts"
    assert proportions([0.0, 0.0]) == [1.0, 1.0]


def test_what_ends_it_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, sgd(0.1))
    told.watch.in_closure = True
    told.at(0)
    assert "closure" in told.watch.why["sharpness"]
    told.watch.in_closure = False
    assert told.upto(100, 1) == []
    told.watch.opening_began = 100
    assert told.upto(200, 100) == [], "in another opening neither"
    told = Told(monkeypatch, sgd(0.1))
    told.watch.iteration = 0
    told.probe.iteration_begins()
    told.probe._on_backward_begin(told.root, False)
    told.probe._on_backward_begin(told.root, False)
    assert "added up" in told.watch.why["sharpness"]
    told.probe._on_step_end(told.optimizer)
    assert told.watch.rows == [{}], "nothing is written"
    told = Told(monkeypatch, sgd(0.1))
    told.probe.on_hook_registered("gradient")
    told.at(0)
    assert "hooks" in told.watch.why["sharpness"]
    assert (told.watch.charged, told.watch.listening) == ([0.0], [("backward_begin", False)])
    assert told.upto(100, 1) == []


def test_several_optimizers_and_one_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, sgd(0.1))
    other = sgd(0.1)
    told.probe.on_optimizer_created(other)
    told.at(0)
    assert told.watch.why == {}, "nothing has stepped: one of them may never"
    told.watch.trainings = [SimpleNamespace(optimizer=lambda: other)]
    told.at(4)
    assert told.watch.why == {"sharpness": "several optimizers"}
    assert told.probe._next == 12
    told.at(11)
    assert told.probe._next == 12
    told.at(12)
    assert told.probe._next == 24
    told.at(400)
    assert told.probe._next == 800
    told.watch.training_alone = SimpleNamespace(optimizer=lambda: other)
    assert told.upto(802, 799) == [800]


def test_nothing_to_measure_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, sgd(0.1), took=0)
    assert told.upto(3) == []
    assert told.watch.asked == [10.0, 30.0, 30.0]
    assert told.watch.charged == []
    told.took = 3
    assert told.upto(5, 3) == [3]


def test_an_operation_without_a_second_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch, sgd(0.1))

    def fails(loss: Any, optimizer: Any) -> int:
        raise RuntimeError("no second derivative\nof this")

    monkeypatch.setattr(told.probe, "_measure", fails)
    told.at(0)
    assert told.watch.why == {"sharpness": "no second derivative"}
    assert told.watch.charged == [0.0]
    assert told.probe._vector is None


def test_where_it_begins() -> None:
    probe = Sharpness(Planned())
    gradient, known = torch.tensor([3.0, 0.0, 4.0]), torch.tensor([0.0, 2.0, 0.0])
    state = torch.get_rng_state()
    for vector, expected in (
        (None, gradient), (known, known), (torch.ones(2), gradient),
        (torch.tensor([0.0, math.nan, 0.0]), gradient),
    ):  # fmt: skip
        probe._vector = vector
        start = probe._start(gradient)
        noise = start - expected
        assert float(noise.norm()) == pytest.approx(0.3 * float(expected.norm()), rel=1e-5)
        assert torch.equal(start, probe._start(gradient)), "no random number is drawn"
    assert torch.equal(state, torch.get_rng_state())
    probe._vector = None
    assert float(probe._start(torch.zeros(3)).norm()) == pytest.approx(0.3, rel=1e-5)
    assert bool(torch.isfinite(probe._start(torch.tensor([math.inf, 1.0]))).all())


def test_how_many_products_there_is_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = nn.Parameter(torch.ones(10))
    optimizer, probe, took = torch.optim.SGD([weight], 0.1), Sharpness(Planned()), []
    curvature = torch.arange(1.0, 11.0)

    def lanczos(product: Any, start: Tensor, products: int, residual: float, least: int) -> Any:
        took.append((products, residual, least))
        return Extremes(-1.0, 7.0, start, products)

    monkeypatch.setattr(module, "lanczos", lanczos)
    for room, products in ((10**9, 4), (4 * 10 * 6, 4), (4 * 10 * 5, None)):
        monkeypatch.setattr(module, "room", lambda device, room=room: room)
        loss = (curvature * weight**2 / 2).sum()
        if products is None:
            with pytest.raises(RuntimeError, match="10 weights are too many"):
                probe._measure(loss, optimizer)
            continue
        assert probe._measure(loss, optimizer) == products
        assert probe._found == {"sharpness": 7.0, "stability_limit": 2.0, "sharpness_min": -1.0}
    monkeypatch.setattr(module, "room", lambda device: 4 * 10 * 9)
    probe.watch.iteration = LATE
    assert probe._measure((curvature * weight**2 / 2).sum(), optimizer) == 7
    monkeypatch.setattr(module, "room", lambda device: 10**9)
    assert probe._measure((curvature * weight**2 / 2).sum(), optimizer) == 12
    probe._measured_at = LATE
    assert probe._measure((curvature * weight**2 / 2).sum(), optimizer) == 6
    assert probe._found == {"sharpness": 7.0, "stability_limit": 2.0}
    assert probe._again_took == 6
    assert took == [(4, 0.05, 8), (4, 0.05, 8), (7, 0.05, 8), (12, 0.05, 8), (6, 0.05, 3)]


def test_one_that_begins_with_the_last_eigenvector_finds_the_same() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(40))
    optimizer, probe = torch.optim.SGD([weight], 0.1), Sharpness(Planned())
    curvature = torch.cat([torch.linspace(-1.0, 2.0, 39), torch.tensor([9.0])])
    for measured_at, most in ((-1, 12), (LATE, 4)):
        probe._measured_at, probe.watch.iteration = measured_at, LATE
        took = probe._measure((curvature * weight**2 / 2).sum(), optimizer)
        assert 3 <= took <= most
        assert probe._found is not None
        assert probe._found["sharpness"] == pytest.approx(9.0, rel=0.01)
    frozen = torch.optim.SGD([nn.Parameter(torch.ones(2), requires_grad=False)], 0.1)
    assert probe._measure(weight.sum(), frozen) == 0
    assert probe._measure(weight.sum(), torch.optim.Adam([weight])) == 0, "not stepped yet"


@pytest.mark.parametrize(
    ("kind", "settings", "state", "expected"),
    [
        (torch.optim.SGD, {}, {}, 1.0),
        (torch.optim.RMSprop, {"eps": 0.5}, {"square_avg": 4.0}, 2.5),
        (torch.optim.RMSprop, {"eps": 0.5, "centered": True},
         {"square_avg": 8.0, "grad_avg": 2.0}, 2.5),
        (torch.optim.RMSprop, {"eps": 0.5, "centered": True},
         {"square_avg": 4.0, "grad_avg": 3.0}, 0.5),
        (torch.optim.Adam, {"eps": 0.5, "betas": (0.5, 0.75)},
         {"step": 2.0, "exp_avg_sq": 1.75}, 2.5 * 0.75),
        (torch.optim.AdamW, {"eps": 0.5, "betas": (0.5, 0.75), "amsgrad": True},
         {"step": 2.0, "exp_avg_sq": 1.75, "max_exp_avg_sq": 7.0}, 4.5 * 0.75),
    ],
)  # fmt: skip
def test_what_an_optimizer_divides_its_step_by(
    kind: Any, settings: dict[str, Any], state: dict[str, float], expected: float
) -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = kind([weight], lr=0.1, **settings)
    (group,) = optimizer.param_groups
    if state:
        assert preconditioner(optimizer, group, weight) is None
    optimizer.state[weight].update({k: torch.full((3,), v) if k != "step" else torch.tensor(v)
                                    for k, v in state.items()})  # fmt: skip
    found = preconditioner(optimizer, group, weight)
    assert found is not None
    assert found.tolist() == pytest.approx([expected] * 3)
