"""init against torch.nn.init called by hand."""

from __future__ import annotations

from collections.abc import Callable
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
    plain,
    read,
    treated,
)
from torch import nn
from torch.nn import init

RULES: dict[str, Callable[[Any], Any]] = {
    "init=he": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
    "init=he,distribution=uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
    "init=lecun": lambda w: init.kaiming_normal_(w, nonlinearity="linear"),
    "init=lecun,distribution=uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="linear"),
    "init=xavier": init.xavier_normal_,
    "init=xavier,distribution=uniform": init.xavier_uniform_,
    "init=xavier,gain=2": lambda w: init.xavier_normal_(w, 2),
    "init=xavier,gain=2,distribution=uniform": lambda w: init.xavier_uniform_(w, 2),
    "init=orthogonal": init.orthogonal_,
    "init=orthogonal,gain=1.5": lambda w: init.orthogonal_(w, 1.5),
}


def draw(model: nn.Module, rule: Callable[[Any], Any]) -> None:
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            rule(layer.weight)
            if layer.bias is not None:
                init.zeros_(layer.bias)


class Drawn(Hand):
    def __init__(self, rule: Callable[[Any], Any]) -> None:
        self.rule = rule

    def model(self, model: nn.Module) -> nn.Module:
        draw(model, self.rule)
        return model


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
def test_equals_weights_drawn_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Drawn(RULES["init=he"]))
    assert_same(expected, treated(workload, "init=he", attached=attached))
    assert differs(expected, plain(workload))


@pytest.mark.parametrize("workload", ["plain", "kitchen"])
@pytest.mark.parametrize("trick", RULES)
def test_every_rule_is_the_one_of_torch(trick: str, workload: str) -> None:
    expected = by_hand(workload, Drawn(RULES[trick]), steps=2)
    assert_same(expected, treated(workload, trick, steps=2))
    others = [rule for name, rule in RULES.items() if name != trick]
    assert all(differs(expected, by_hand(workload, Drawn(rule), steps=2)) for rule in others)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM, nn.LSTMCell])
def test_recurrent_weights_are_drawn_gate_by_gate(kind: Any) -> None:
    model = nn.Sequential(kind(6, 8))
    with attach([read("init=orthogonal")], (model,)):
        for weight in model.parameters():
            if weight.dim() == 1:
                assert not weight.any()
                continue
            for gate in weight.chunk(len(weight) // 8):
                torch.testing.assert_close(gate.T @ gate, torch.eye(gate.shape[1]))


class ZeroBranches(Hand):
    def model(self, model: Any) -> Any:
        for block in model.blocks:
            init.zeros_(block.bn2.weight)
            init.zeros_(block.bn2.bias)
        return model


@pytest.mark.parametrize("attached", [False, True])
def test_zero_residual_by_hand(attached: bool) -> None:
    expected = by_hand("kitchen", ZeroBranches())
    assert_same(expected, treated("kitchen", "init=zero-residual", attached=attached))
    assert differs(expected, plain("kitchen"))


class Branch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Any) -> Any:
        return x + self.fc2(torch.relu(self.fc1(x)))


BRANCHED: dict[str, Callable[[], nn.Module]] = {
    "perceptron": lambda: nn.Sequential(Branch(), Branch()),
    "transformer": lambda: nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, norm_first=True, batch_first=True
    ),
}


@pytest.mark.parametrize("kind", BRANCHED)
def test_with_zero_residual_the_network_begins_as_the_identity(kind: str) -> None:
    model, x = BRANCHED[kind](), torch.randn(3, 5, 8)
    assert not torch.equal(model(x), x)
    with attach([read("init=zero-residual")], (model,)):
        out = model(x)
        assert torch.equal(out, x)
        (out**2).sum().backward()  # no two zero layers in series: the last ones learn
    zero = [p for p in model.parameters() if p.dim() > 1 and not p.any()]
    assert len(zero) == 2
    assert all(p.grad is not None and bool(p.grad.any()) for p in zero)


def test_a_part_in_two_places_is_drawn_once() -> None:
    def shared() -> nn.Module:
        layer = nn.Linear(4, 4)
        return nn.Sequential(layer, nn.ReLU(), layer)

    one, other = shared(), shared()
    torch.manual_seed(3)
    draw(one, init.xavier_normal_)
    then = torch.rand(1)
    torch.manual_seed(3)
    with attach([read("init=xavier")], (other,)):
        assert torch.equal(torch.rand(1), then)
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_embeddings_and_norms_stay() -> None:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with attach([read("init=lecun")], (model,)):
        kept = {name for name, p in model.named_parameters() if torch.equal(p, before[name])}
    assert kept == {"0.weight", "2.weight", "2.bias"}


def signal(rule: str | None) -> float:
    """Spread after 30 layers of ReLU of what entered with a spread of 1."""
    torch.manual_seed(0)
    layers = [part for _ in range(30) for part in (nn.Linear(128, 128, bias=False), nn.ReLU())]
    model, x = nn.Sequential(*layers), torch.randn(256, 128)
    torch.manual_seed(1)
    tricks = [read(rule)] if rule else []
    with attach(tricks, (model,)), torch.no_grad():
        return model(x).std().item()


def test_the_rule_for_relu_keeps_the_signal_through_30_layers() -> None:
    he = signal("init=he")
    assert 0.1 < he < 3
    assert signal(None) < 1e-10
    # every weight is smaller by the root of 2: the signal by 2 ** 15
    assert he / signal("init=lecun") == pytest.approx(2**15, rel=1e-3)
    assert signal("init=lecun,gain=1.4142135623730951") == pytest.approx(he, rel=1e-3)


@pytest.mark.parametrize("trick", ["init=he", "init=zero-residual"])
def test_a_model_without_such_layers_is_refused(trick: str) -> None:
    with pytest.raises(TrickError, match="LayerNorm has no layer that this rule is for"):
        attach([read(trick)], (nn.LayerNorm(3),))
