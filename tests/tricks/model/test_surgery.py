"""activation and norm against models that are written with the new parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
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
    treated,
)
from torch import nn
from workloads import Mlp, TiedModel

FLAT = [workload for workload in STEPPING if workload not in ("tied", "kitchen")]
"""Workloads of vectors; the one of tokens has no BatchNorm, the kitchen has it on images."""


@pytest.fixture(autouse=True)
def scripts_with_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """All models of the workloads get an activation module and, on vectors, a BatchNorm."""

    def model(self: Hand, model: Any) -> Any:
        if isinstance(model, Mlp):
            model.norm = nn.Sequential(nn.BatchNorm1d(16), nn.ReLU())
        elif isinstance(model, TiedModel):
            model.mix = nn.Sequential(model.mix, nn.ReLU())
        return model

    monkeypatch.setattr(Hand, "model", model)


class Exchanged(Hand):
    """The model is written with other parts, whose parameters the optimizer is given last."""

    def __init__(
        self, old: Any, make: Callable[[], nn.Module], *, joins_last: bool = False
    ) -> None:
        self.old, self.make, self.joins_last = old, make, joins_last
        self.new: list[nn.Module] = []

    def model(self, model: nn.Module) -> nn.Module:
        model = super().model(model)
        for parent in list(model.modules()):
            for name, part in parent.named_children():
                if isinstance(part, self.old):
                    self.new.append(self.make())
                    setattr(parent, name, self.new[-1])
        return model

    def optimizer(self, kind: Any, parameters: Iterable[Any], **settings: Any) -> Any:
        new = {id(p) for part in self.new for p in part.parameters() if self.joins_last}
        return kind(sorted(parameters, key=lambda p: id(p) in new), **settings)


class Attached(Hand):
    """The trick is attached from Python, before the optimizer is built."""

    def __init__(self, trick: str) -> None:
        self.trick = trick

    def model(self, model: nn.Module) -> nn.Module:
        model = super().model(model)
        self.handle = attach([read(self.trick)], (model,))
        return model


# -- activation --------------------------------------------------------------------------------

KINDS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU, "leaky-relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU,
    "silu": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid,
}  # fmt: skip


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
def test_activation_equals_the_model_written_with_it(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Exchanged((nn.ReLU, nn.Sigmoid), nn.GELU))
    assert_same(expected, treated(workload, "activation=gelu", attached=attached))
    assert differs(expected, plain(workload))


@pytest.mark.parametrize("kind", KINDS)
def test_every_activation_is_the_one_of_torch(kind: str) -> None:
    expected = by_hand("kitchen", Exchanged(nn.Sigmoid, KINDS[kind]))
    assert_same(expected, treated("kitchen", f"activation={kind}"))
    assert differs(expected, plain("kitchen")) == (kind != "sigmoid")


def kinds_of(model: nn.Module) -> list[str]:
    return [type(part).__name__ for part in model._modules.values() if part is not None]


def test_only_hidden_activations_and_only_the_kind_that_was_named() -> None:
    def model() -> nn.Module:
        return nn.Sequential(
            nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh()
        )

    one, other = model(), model()
    with attach([read("activation=silu")], (one,)):
        assert kinds_of(one) == ["Linear", "SiLU", "Linear", "SiLU", "Linear", "Tanh"]
    assert kinds_of(one) == ["Linear", "ReLU", "Linear", "Tanh", "Linear", "Tanh"]
    with attach([read("activation=silu,instead-of=tanh")], (other,)):
        assert kinds_of(other) == ["Linear", "ReLU", "Linear", "SiLU", "Linear", "Tanh"]


def test_one_activation_in_several_places_is_exchanged_in_each_hidden_one() -> None:
    relu = nn.ReLU()
    model = nn.Sequential(nn.Linear(2, 2), relu, nn.Linear(2, 2), relu, nn.Linear(2, 2), relu)
    with attach([read("activation=elu")], (model,)):
        assert kinds_of(model) == ["Linear", "ELU", "Linear", "ELU", "Linear", "ReLU"]
    assert [i for i, part in enumerate(model._modules.values()) if part is relu] == [1, 3, 5]


def test_a_model_that_calls_functions_is_refused() -> None:
    with pytest.raises(TrickError, match="Mlp has no such module to exchange"):
        attach([read("activation=gelu")], (Mlp(),))


# -- norm --------------------------------------------------------------------------------------

NORMS: list[tuple[str, str, Callable[[], nn.Module]]] = [
    *((workload, "norm=layer", lambda: nn.LayerNorm(16)) for workload in FLAT),
    ("plain", "norm=layer,eps=0.1", lambda: nn.LayerNorm(16, 0.1)),
    ("plain", "norm=rms", lambda: nn.RMSNorm(16, eps=1e-6)),
    ("adamw", "norm=rms,eps=0.1", lambda: nn.RMSNorm(16, eps=0.1)),
    ("plain", "norm=group", lambda: nn.GroupNorm(8, 16)),
    ("plain", "norm=group,groups=3", lambda: nn.GroupNorm(2, 16)),  # 3 does not divide 16
    ("kitchen", "norm=layer", lambda: nn.GroupNorm(1, 4)),
    ("kitchen", "norm=group", lambda: nn.GroupNorm(4, 4)),
    ("kitchen", "norm=group,groups=2,eps=0.1", lambda: nn.GroupNorm(2, 4, 0.1)),
]
BATCH = nn.modules.batchnorm._BatchNorm


@pytest.mark.parametrize(("workload", "trick", "make"), NORMS)
def test_norm_equals_the_model_written_with_it(workload: str, trick: str, make: Any) -> None:
    expected = by_hand(workload, Exchanged(BATCH, make, joins_last=True))
    assert_same(expected, treated(workload, trick))
    assert differs(expected, plain(workload))


@pytest.mark.parametrize(("workload", "trick", "make"), NORMS)
def test_norm_attached_before_the_optimizer_is_built(workload: str, trick: str, make: Any) -> None:
    hand = Attached(trick)
    try:
        assert_same(by_hand(workload, Exchanged(BATCH, make)), by_hand(workload, hand))
    finally:
        hand.handle.detach()


def test_norm_attached_to_an_optimizer_that_would_not_train_it_is_refused() -> None:
    with pytest.raises(TrickError, match="attach it before"):
        treated("plain", "norm=layer", attached=True)


def test_an_optimizer_of_groups_gets_the_new_norm_instead_of_the_old() -> None:
    with in_script("norm=layer"):
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        old = list(model[1].parameters())
        groups = [{"params": list(part.parameters()), "lr": 0.1 * i} for i, part in
                  enumerate(model, 1)]  # fmt: skip
        optimizer = torch.optim.SGD(groups)
        assert isinstance(model[1], nn.LayerNorm)
        held = {id(p) for p in parameters_of(optimizer)}
        assert held == {id(p) for p in model.parameters()}
        assert not held & {id(p) for p in old}


def test_one_norm_in_several_places_stays_one() -> None:
    norm = nn.BatchNorm1d(4)
    model: Any = nn.Sequential(nn.Linear(4, 4), norm, nn.Linear(4, 4), norm)
    with attach([read("norm=layer")], (model,)):
        assert isinstance(model[1], nn.LayerNorm)
        assert model[1] is model[3]
    assert model[1] is model[3] is norm


def test_a_norm_is_put_before_each_hidden_activation_on_demand() -> None:
    relu = nn.ReLU()
    torch.manual_seed(0)
    model: Any = nn.Sequential(
        nn.Linear(3, 4), relu, nn.Linear(4, 6), relu, nn.Linear(6, 2), nn.ReLU()
    )
    x = torch.randn(5, 3)
    hidden = relu(nn.functional.layer_norm(model[0](x), (4,)))
    hidden = relu(nn.functional.layer_norm(model[2](hidden), (6,)))
    expected = torch.relu(model[4](hidden))
    assert not torch.equal(model(x), expected)
    with pytest.raises(TrickError, match="insert=yes puts norms into a Sequential"):
        attach([read("norm=layer")], (model,))
    with attach([read("norm=layer,insert=yes")], (model,)):
        assert torch.equal(model(x), expected)
        assert len(list(model.parameters())) == 10


def test_the_default_eps_of_rms_is_that_of_transformers() -> None:
    x = torch.full((1, 4), 1e-3)
    for trick, value in (("norm=rms", 0.7071), ("norm=rms,eps=1.1920929e-7", 0.9452)):
        model = nn.Sequential(nn.BatchNorm1d(4))
        with attach([read(trick)], (model,)):
            assert model(x)[0, 0].item() == pytest.approx(value, abs=1e-4)


def test_rms_on_images_is_refused() -> None:
    with pytest.raises(TrickError, match="use layer or group on images"):
        treated("kitchen", "norm=rms")
