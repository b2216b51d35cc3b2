"""The trick `optimizer`: the same object, another algorithm."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    assert_same,
    attach,
    by_hand,
    differs,
    in_script,
    plain,
    read,
    record_of,
    train,
    treated,
)

TORCH: dict[str, tuple[Any, dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.01}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 1e-3}),
    "adam": (torch.optim.Adam, {"lr": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-3}),
    "adafactor": (torch.optim.Adafactor, {"lr": 1e-2}),
}


class Other(Hand):
    """Builds the other optimizer from the beginning."""

    def __init__(self, kind: Any, settings: dict[str, Any]) -> None:
        self.kind, self.settings = kind, settings

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        return self.kind(parameters, **self.settings)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "adamw", "adafactor"])
def test_equals_a_script_with_the_other_optimizer(name: str, attached: bool) -> None:
    kind, settings = TORCH[name]
    settings = {**settings, "momentum": 0.9} if name == "rmsprop" else settings
    expected = by_hand("plain", Other(kind, settings))
    assert_same(expected, treated("plain", f"optimizer={name}", attached=attached))
    assert differs(expected, plain("plain"))


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_from_adam_to_sgd(name: str) -> None:
    kind, settings = TORCH[name]
    expected = by_hand("adamw", Other(kind, settings))
    assert_same(expected, treated("adamw", f"optimizer={name}"))


@pytest.mark.parametrize(
    "workload", ["plain", "accumulated", "scaled", "closure", "compiled", "tied"]
)
def test_adamw_in_every_kind_of_loop(workload: str) -> None:
    expected = by_hand(workload, Other(*TORCH["adamw"]))
    assert_same(expected, treated(workload, "optimizer=adamw"))


def test_the_rate_that_is_given_holds() -> None:
    expected = by_hand("plain", Other(torch.optim.AdamW, {"lr": 0.02}))
    assert_same(expected, treated("plain", "optimizer=adamw,lr=0.02"))
    assert_same(expected, treated("plain", "optimizer=adamw", "lr=0.02"))


def test_a_rate_of_the_same_family_is_kept() -> None:
    expected = by_hand("adamw", Other(torch.optim.Adam, {"lr": 1e-2}))
    assert_same(expected, treated("adamw", "optimizer=adam"))
    expected = by_hand(
        "plain", Other(torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True})
    )
    assert_same(expected, treated("plain", "optimizer=nesterov"))


def test_two_optimizers_are_both_swapped() -> None:
    with in_script("optimizer=adagrad"):
        world = WORKLOADS["two-optimizers"](Hand())
        assert [type(o) for o in world.optimizers] == [torch.optim.Adagrad] * 2
        train(world, range(3))
    assert [type(o) for o in world.optimizers] == [torch.optim.SGD, torch.optim.Adam]


def test_the_object_stays_valid_and_schedulers_go_on() -> None:
    model = torch.nn.Linear(3, 2)
    with in_script("optimizer=adamw,lr=0.01"):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        rates = []
        optimizer.register_step_pre_hook(lambda o, *_: rates.append(o.param_groups[0]["lr"]))
        for _ in range(4):
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()
            scheduler.step()
        assert type(optimizer) is torch.optim.AdamW
        kept = optimizer.state_dict()
        assert set(kept["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
        optimizer.load_state_dict(kept)
    assert rates == pytest.approx([0.01, 0.01, 0.005, 0.005])
    assert type(optimizer) is torch.optim.SGD
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    optimizer.step()


def test_an_optimizer_that_a_scheduler_holds_already() -> None:
    world = WORKLOADS["kitchen"](Hand())
    optimizer = world.optimizers[0]
    with attach([read("optimizer=sgd")], (world.model, optimizer)):
        train(world, range(3))
        assert type(optimizer) is torch.optim.SGD
        assert optimizer._opt_called
    assert type(optimizer) is torch.optim.AdamW
    train(world, range(3, 6))


def test_a_class_of_the_users_own_is_swapped_when_it_is_complete() -> None:
    with in_script("optimizer=adam"):

        class Late(torch.optim.SGD):
            def __init__(self, params: Any) -> None:
                super().__init__(params, lr=0.3)
                assert type(self) is Late
                self.note = "mine"

        assert type(Late(torch.nn.Linear(2, 2).parameters())) is torch.optim.Adam
    assert "__init_subclass__" not in vars(torch.optim.Optimizer)


def test_what_the_script_chose_is_kept() -> None:
    with in_script("optimizer=adamw"):
        parameters = torch.nn.Linear(2, 2).parameters()
        adam = torch.optim.Adam(parameters, betas=(0.5, 0.9), eps=1e-6)
        group = adam.param_groups[0]
        assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.5, 0.9), 1e-6, 0.01)


# -- schedule-free -----------------------------------------------------------------------------


def noisy(optimizer: Any, weights: list[torch.Tensor], steps: int) -> None:
    draw = torch.Generator().manual_seed(3)
    for _ in range(steps):
        for p in weights:
            p.grad = (p.detach() - 1) * 0.3 + torch.randn(p.shape, generator=draw, dtype=p.dtype)
        optimizer.step()


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("theirs", "ours", "settings"),
    [
        ("SGDScheduleFree", "ScheduleFreeSgd", {"lr": 0.3, "momentum": 0.9}),
        ("AdamWScheduleFree", "ScheduleFreeAdamw", {"lr": 0.01, "betas": (0.95, 0.99)}),
        ("AdamWScheduleFree", "ScheduleFreeAdamw", {"lr": 0.01, "r": 1.0}),
    ],
)
def test_equal_to_the_authors_package(theirs: str, ours: str, settings: Any, decay: float) -> None:
    schedulefree = pytest.importorskip("schedulefree")
    from assay.tricks.optimizer import schedule_free

    def begin() -> list[torch.Tensor]:
        return [torch.nn.Parameter(torch.arange(6.0, dtype=torch.float64).view(2, 3) / 5)]

    reference, mine = begin(), begin()
    his = getattr(schedulefree, theirs)(reference, weight_decay=decay, foreach=False, **settings)
    own = getattr(schedule_free, ours)(mine, weight_decay=decay, **settings)
    his.train()
    noisy(his, reference, 60)
    noisy(own, mine, 60)
    torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-12)
    his.eval()
    [(_, mean)] = own.averages()
    torch.testing.assert_close(mean, reference[0].detach(), rtol=1e-9, atol=1e-11)


def test_the_gradient_is_left_as_it_was() -> None:
    from assay.tricks.optimizer.schedule_free import ScheduleFreeAdamw

    p = torch.nn.Parameter(torch.ones(3))
    p.grad = torch.tensor([1.0, -2.0, 3.0])
    ScheduleFreeAdamw([p], weight_decay=0.1).step()
    assert p.grad.tolist() == [1.0, -2.0, 3.0]


class ScheduleFreeByHand(Hand):
    """The authors' optimizer and its modes, as its readme asks for."""

    def __init__(self, kind: str, **settings: Any) -> None:
        self.kind, self.settings = kind, settings

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        import schedulefree

        made = getattr(schedulefree, self.kind)(parameters, **self.settings)
        made.train()
        return made

    def evaluating(self, world: Any) -> Any:
        for optimizer in world.optimizers:
            optimizer.eval()
        return lambda: [optimizer.train() for optimizer in world.optimizers]


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [w for w in STEPPING if w != "kitchen"])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_schedule_free_equals_the_authors_loop(kind: str, workload: str, attached: bool) -> None:
    pytest.importorskip("schedulefree")
    if workload in ("two-optimizers", "adamw"):
        pytest.skip("the script's own settings of the same name are kept")
    settings: dict[str, Any] = {"lr": 0.2, "momentum": 0.9} if kind == "sgd" else {"lr": 0.01}
    theirs = ScheduleFreeByHand(
        {"sgd": "SGDScheduleFree", "adamw": "AdamWScheduleFree"}[kind], **settings
    )
    record = treated(
        workload, f"optimizer=schedule-free-{kind},lr={settings['lr']}", attached=attached
    )
    assert_same(by_hand(workload, theirs), record, tolerance=2e-5)


def test_it_is_evaluated_at_the_mean_and_trained_where_it_was() -> None:
    with in_script("optimizer=schedule-free-sgd,lr=0.5"):
        world = WORKLOADS["plain"](Hand())
        train(world, range(5))
        y = [p.detach().clone() for p in world.model.parameters()]
        inside = world.evaluate()
        saved = copy.deepcopy(world.model.state_dict())
        train(world, range(5, 6))
        other = WORKLOADS["plain"](Hand())
    twin = WORKLOADS["plain"](Hand())
    twin.model.load_state_dict(saved)
    assert twin.evaluate() == inside
    assert any(not torch.equal(a, b) for a, b in zip(y, saved.values(), strict=True))
    assert other is not world


@pytest.mark.parametrize("model_first", [True, False])
def test_a_checkpoint_goes_on_whatever_is_loaded_first(model_first: bool) -> None:
    text = "optimizer=schedule-free-adamw,lr=0.01"
    with in_script(text):
        world = WORKLOADS["plain"](Hand())
        train(world, range(5))
        model, state = world.model.state_dict(), copy.deepcopy(world.optimizers[0].state_dict())
        expected = record_of(world, train(world, range(5, 9)))
    with in_script(text):
        other = WORKLOADS["plain"](Hand())
        loads = [
            lambda: other.model.load_state_dict(model),
            lambda: other.optimizers[0].load_state_dict(state),
        ]
        for load in loads if model_first else reversed(loads):
            load()
        assert_same(expected, record_of(other, train(other, range(5, 9))))


def test_a_scheduler_of_the_script_is_left_out_of_account() -> None:
    seen = []
    with in_script("optimizer=schedule-free-sgd,lr=0.5", "warmup=2"):
        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
        optimizer.register_step_pre_hook(lambda o, *_: seen.append(o.param_groups[0]["lr"]))
        for _ in range(4):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            scheduler.step()
    assert seen == pytest.approx([0.25, 0.5, 0.5, 0.5])
    assert math.isclose(optimizer.param_groups[0]["lr"], 0.1 * 0.1**4)
