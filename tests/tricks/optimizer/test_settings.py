"""betas, eps, momentum, weight-decay, layer-decay, scale-lr-with-batch against loops by hand."""

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
    TrickError,
    assert_same,
    attach,
    by_hand,
    differs,
    in_script,
    parameters_of,
    plain,
    read,
    train,
    treated,
)
from torch import nn

from assay.tricks.optimizer.layer_decay import depths_of


class With(Hand):
    """The script's optimizer with other arguments."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        return kind(parameters, **{**settings, **self.settings})


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(
    ("workload", "trick", "settings"),
    [
        ("adamw", "betas=0.5", {"betas": (0.5, 0.999)}),
        ("adamw", "betas,beta2=0.9", {"betas": (0.9, 0.9)}),
        ("adamw", "betas=0.5,beta2=0.9", {"betas": (0.5, 0.9)}),
        ("adamw", "eps=1e-2", {"eps": 1e-2}),
        ("adamw", "momentum=0.2", {"betas": (0.2, 0.999)}),
        *((w, "momentum=0.2", {"momentum": 0.2})
          for w in STEPPING if w not in ("adamw", "two-optimizers", "kitchen")),
    ],
)  # fmt: skip
def test_a_setting_is_as_if_it_had_been_given(
    workload: str, trick: str, settings: Any, attached: bool
) -> None:
    expected = by_hand(workload, With(**settings))
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, plain(workload))


def test_settings_come_back_with_detach_and_survive_a_checkpoint() -> None:
    model = nn.Linear(2, 2)
    with in_script("betas=0.5"):
        optimizer = torch.optim.Adam(model.parameters())
        optimizer.load_state_dict(torch.optim.SGD(model.parameters(), lr=1.0).state_dict() | {})
    saved = torch.optim.Adam(model.parameters()).state_dict()
    with in_script("betas=0.5"):
        optimizer = torch.optim.Adam(model.parameters())
        optimizer.load_state_dict(saved)
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.999)
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)


@pytest.mark.parametrize(
    ("trick", "says"),
    [
        ("betas=0.5", "trick betas: no optimizer of the script has betas"),
        ("eps=1e-6", "trick eps: no optimizer of the script has eps"),
        ("weight-decay=0.1,kind=l2", ""),
        ("layer-decay=0.5", "trick layer-decay: no model with layers"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_step(trick: str, says: str) -> None:
    weight = nn.Parameter(torch.ones(3, 3))
    with in_script(trick):
        optimizer = torch.optim.SGD([weight], lr=0.1)
        weight.grad = torch.ones(3, 3)
        if not says:
            optimizer.step()
            return
        with pytest.raises(TrickError, match=says):
            optimizer.step()
    assert bool((weight == 1).all())


# -- weight decay ------------------------------------------------------------------------------


class Decayed(Hand):
    """Groups written by hand: matrices decay, the rest does not."""

    def __init__(self, decay: float, *, embeddings: bool = False, **settings: Any) -> None:
        self.decay, self.embeddings, self.settings = decay, embeddings, settings

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        held = list(parameters)
        groups = [
            {"params": [p for p in held if p.dim() >= 2], "weight_decay": self.decay},
            {"params": [p for p in held if p.dim() < 2], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        return kind(groups, **{**settings, **self.settings})


def in_order(record: Any) -> Any:
    """Without the numbered weights, whose order depends on the groups."""
    record.weights = {k: v for k, v in record.weights.items() if not k.startswith("held")}
    return record


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", ["adamw", "kitchen"])
def test_adamw_with_groups_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Decayed(0.3))
    assert_same(
        in_order(expected), in_order(treated(workload, "weight-decay=0.3", attached=attached))
    )
    assert differs(expected, plain(workload))


@pytest.mark.parametrize(
    "workload", ["plain", "accumulated", "scaled", "closure", "compiled", "tied"]
)
def test_sgd_with_l2_groups_by_hand(workload: str) -> None:
    expected = by_hand(workload, Decayed(0.3))
    assert_same(in_order(expected), in_order(treated(workload, "weight-decay=0.3,kind=l2")))
    assert differs(expected, plain(workload))


class Shrunk(Hand):
    def gradients(self, optimizer: Any) -> None:
        with torch.no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.dim() >= 2:
                        p.mul_(1 - group["lr"] * 0.3)


@pytest.mark.parametrize(
    "workload", [w for w in STEPPING if w not in ("adamw", "kitchen", "two-optimizers")]
)
def test_sgd_decoupled_by_hand(workload: str) -> None:
    expected = by_hand(workload, Shrunk())
    if workload == "closure":  # there the gradient is taken after the decay: the step comes first
        assert differs(treated(workload, "weight-decay=0.3"), plain(workload))
        return
    assert_same(expected, treated(workload, "weight-decay=0.3"))
    assert differs(expected, plain(workload))


def test_adam_can_be_decoupled_and_adamw_not() -> None:
    kinds = {"decoupled": torch.optim.AdamW, "l2": torch.optim.Adam}
    for kind, other in kinds.items():

        class Other(Decayed):
            made = other

            def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
                return super().optimizer(self.made, parameters, **settings)

        expected = in_order(by_hand("adamw", Other(0.3)))
        assert_same(expected, in_order(treated("adamw", f"weight-decay=0.3,kind={kind}")))


class Everything(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 4)
        self.places = nn.Embedding(5, 4)
        self.conv = nn.Conv1d(4, 4, 1)
        self.norm = nn.GroupNorm(1, 4)
        self.free = nn.Parameter(torch.ones(4, 4))
        self.scale = nn.Parameter(torch.ones(4))
        self.out = nn.Linear(4, 5)
        self.out.weight = self.words.weight


def decay_of(*options: str) -> dict[str, float]:
    """Which decay each parameter of a model meets in a step."""
    found: dict[str, float] = {}
    with in_script(",".join(["weight-decay=0.5", *options])):
        model = Everything()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        names = {id(p): name for name, p in model.named_parameters()}
        optimizer.register_step_pre_hook(
            lambda o, *_: found.update(
                (names[id(p)], g["weight_decay"]) for g in o.param_groups for p in g["params"]
            )
        )
        before = optimizer.param_groups
        optimizer.step()
        assert optimizer.param_groups is before
        assert len(before) == 1
    assert set(found) == set(names.values())
    return found


def test_owners_decide_what_decays() -> None:
    decayed = {name for name, decay in decay_of().items() if decay}
    assert decayed == {"words.weight", "conv.weight", "free"}  # words are the output layer too
    decayed = {name for name, decay in decay_of("embeddings=yes").items() if decay}
    assert decayed == {"words.weight", "places.weight", "conv.weight", "free"}
    assert all(decay_of("exempt=no").values())


def test_a_step_that_raises_leaves_the_groups_alone() -> None:
    with in_script("weight-decay=0.5"):
        model = nn.Linear(2, 2)
        optimizer = torch.optim.AdamW(model.parameters())
        before = optimizer.param_groups

        def closure() -> None:
            optimizer.zero_grad()
            raise RuntimeError("the user's")

        with pytest.raises(RuntimeError, match="the user's"):
            optimizer.step(closure)
        assert len(optimizer.state_dict()["param_groups"]) == 1
        optimizer.step()
        assert optimizer.param_groups is before


def test_what_is_saved_inside_a_step_has_the_scripts_groups() -> None:
    with in_script("weight-decay=0.5"):
        model = nn.Linear(2, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        seen = []

        def closure() -> None:
            seen.append(len(optimizer.param_groups))
            saved = optimizer.state_dict()
            seen.append(len(saved["param_groups"]))
            optimizer.load_state_dict(saved)
            seen.append(len(optimizer.param_groups))

        optimizer.step(closure)
        assert seen == [2, 1, 2]
        assert len(optimizer.param_groups) == 1


def test_a_checkpoint_is_loaded_after_a_step_that_raised() -> None:
    with in_script("weight-decay=0.5"):
        model = nn.Linear(2, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        saved = optimizer.state_dict()
        saved["param_groups"][0]["lr"] = 0.3

        def closure() -> None:
            raise RuntimeError("the user's")

        with pytest.raises(RuntimeError, match="the user's"):
            optimizer.step(closure)
        optimizer.load_state_dict(saved)
        optimizer.step()
        assert [group["lr"] for group in optimizer.param_groups] == [0.3]


def test_going_back_inside_a_divided_step() -> None:
    with in_script("weight-decay=0.5", "skip-non-finite=1,every=1") as handle:
        model = nn.Linear(2, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for factor in (1.0, math.nan, 1.0):

            def closure(factor: float = factor) -> None:
                optimizer.zero_grad()
                (model(torch.ones(1, 2)).sum() * factor).backward()

            optimizer.step(closure)
        assert len(optimizer.param_groups) == 1
        assert all(p.isfinite().all() for p in model.parameters())
    assert "'returns': 1" in str(handle.state_dict())


def test_state_of_groups_that_a_step_keeps() -> None:
    with in_script("optimizer=schedule-free-sgd", "weight-decay=0.5"):
        world = WORKLOADS["plain"](Hand())
        train(world, range(3))
        assert world.optimizers[0].param_groups[0]["k"] == 3


# -- layer decay -------------------------------------------------------------------------------


class ByLayer(Hand):
    def __init__(self) -> None:
        self.model_: Any = None

    def model(self, model: Any) -> Any:
        self.model_ = model
        return model

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        lr = settings.pop("lr")
        parts = [self.model_.first, self.model_.norm, self.model_.head]
        groups = [
            {"params": list(part.parameters()), "lr": lr * 0.5 ** (2 - i)}
            for i, part in enumerate(parts)
        ]
        return kind(groups, **settings)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(
    "workload", ["plain", "adamw", "accumulated", "scaled", "closure", "compiled"]
)
def test_a_rate_per_layer(workload: str, attached: bool) -> None:
    expected = by_hand(workload, ByLayer())
    assert_same(expected, treated(workload, "layer-decay=0.5", attached=attached))
    assert differs(expected, plain(workload))


def test_depths() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(3, 4)
            self.blocks = nn.ModuleList(
                [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3)]
            )
            self.head = nn.Linear(4, 2)

    net = Net()
    depths = depths_of(net)
    named = {name: depths[id(p)] for name, p in net.named_parameters() if name.endswith("weight")}
    assert named == {
        "words.weight": 0, "blocks.0.0.weight": 1, "blocks.1.0.weight": 2, "blocks.2.0.weight": 3,
        "head.weight": 4,
    }  # fmt: skip


# -- batch size --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workload", "trick", "settings"),
    [
        ("plain", "scale-lr-with-batch=4", {"lr": 0.2}),
        ("accumulated", "scale-lr-with-batch=4", {"lr": 0.4}),
        ("plain", "scale-lr-with-batch=4,batch=2", {"lr": 0.05}),
        ("adamw", "scale-lr-with-batch=2", {
            "lr": 2e-2, "betas": (1 - 4 * (1 - 0.9), 1 - 4 * (1 - 0.999)), "eps": 1e-8 / 2}),
        ("adamw", "scale-lr-with-batch=4,rule=linear", {"lr": 2e-2}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("attached", [False, True])
def test_scaled_as_by_hand(workload: str, trick: str, settings: Any, attached: bool) -> None:
    expected = by_hand(workload, With(**settings))
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, plain(workload))


def test_where_the_square_root_rule_ends() -> None:
    with pytest.raises(TrickError, match="needs a beta below 0"):
        treated("adamw", "scale-lr-with-batch=1,batch=64")


def test_settings_are_put_back() -> None:
    world = WORKLOADS["adamw"](Hand())
    before = copy.deepcopy(
        {k: v for k, v in world.optimizers[0].param_groups[0].items() if k != "params"}
    )
    with attach([read("scale-lr-with-batch=4")], (world.model, *world.optimizers)):
        train(world, range(2))
        assert world.optimizers[0].param_groups[0]["eps"] != before["eps"]
    after = {k: v for k, v in world.optimizers[0].param_groups[0].items() if k != "params"}
    assert after == before
    assert len(parameters_of(world.optimizers[0])) == 6
