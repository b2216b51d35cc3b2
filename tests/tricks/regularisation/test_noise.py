"""dropout, drop-path and spectral-norm against models that have them written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from kitchen import Block
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    TrickError,
    assert_same,
    by_hand,
    differs,
    in_script,
    plain,
    treated,
)
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

ATTACHED = pytest.mark.parametrize("attached", [False, True])
FITTING = pytest.mark.parametrize("workload", [name for name in WORKLOADS if name != "tied"])
"""A tied language model has neither a residual branch nor an activation module."""


class Rewritten(Hand):
    """Changes the class of one part of the model, or a value in it."""

    def __init__(self, rewrite: Callable[[Any], None]) -> None:
        self.rewrite = rewrite

    def model(self, model: nn.Module) -> nn.Module:
        self.rewrite(model)
        return model


def same_as(rewrite: Callable[[Any], None], workload: str, trick: str, attached: bool) -> None:
    expected = by_hand(workload, Rewritten(rewrite))
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, plain(workload))


# -- dropout -----------------------------------------------------------------------------------


@ATTACHED
@FITTING
@pytest.mark.usefixtures("on_images")
def test_dropout_that_is_there_is_set(workload: str, attached: bool) -> None:
    same_as(lambda model: setattr(model.drop, "p", 0.5), workload, "dropout=0.5", attached)


class Dropping(nn.ReLU):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.dropout(super().forward(input), 0.5, self.training)


@ATTACHED
@pytest.mark.usefixtures("layered")
@pytest.mark.parametrize("workload", [w for w in STEPPING if w not in ("tied", "kitchen")])
def test_dropout_is_put_after_hidden_activations(workload: str, attached: bool) -> None:
    def rewrite(model: Any) -> None:
        model.act.__class__ = Dropping

    same_as(rewrite, workload, "dropout=0.5", attached)


def test_where_dropout_is_put() -> None:
    with in_script("dropout=0.3"):
        bare = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 4), nn.Tanh())
        has = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Dropout1d(0.1), nn.Linear(4, 4))
        torch.optim.SGD([*bare.parameters(), *has.parameters()], lr=0.1)
        assert [type(part).__name__ for part in bare] == ["Linear", "Sequential", "Linear", "Tanh"]
        assert [str(part) for part in bare[1]] == [
            "GELU(approximate='none')", "Dropout(p=0.3, inplace=False)",
        ]  # fmt: skip
        assert [type(part).__name__ for part in has] == ["Linear", "GELU", "Dropout1d", "Linear"]
        assert has[2].p == 0.3
    assert isinstance(bare[1], nn.GELU)
    assert has[2].p == 0.1


def test_dropout_keeps_the_mean_and_is_off_in_evaluations() -> None:
    torch.manual_seed(0)
    x = torch.ones(20_000, 1)
    with in_script("dropout=0.3"):
        model = nn.Sequential(nn.Identity(), nn.ReLU(), nn.Linear(1, 1))
        torch.optim.SGD(model.parameters(), lr=0.1)
        kept = model[:2](x)
        assert kept.unique().tolist() == pytest.approx([0, 1 / 0.7])
        assert float(kept.mean()) == pytest.approx(1.0, abs=0.02)
        assert torch.equal(model.eval()[:2](x), x)


@pytest.mark.parametrize("trick", ["dropout", "drop-path"])
@pytest.mark.parametrize("workload", ["plain", "tied"])
def test_a_model_without_a_place_is_refused(workload: str, trick: str) -> None:
    with pytest.raises(TrickError, match=f"trick {trick}: .*Model has n|trick {trick}: Mlp has n"):
        treated(workload, trick)


# -- drop-path ---------------------------------------------------------------------------------


def stochastic(branch: torch.Tensor, rate: float) -> torch.Tensor:
    """`drop_path` of timm, in the order of equation 4: the mask first, the division last."""
    mask = branch.new_empty((len(branch), 1, 1, 1)).bernoulli_(1 - rate)
    return branch * mask / (1 - rate)


class Stochastic(Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return x + (stochastic(branch, 0.5) if self.training else branch)


@ATTACHED
@FITTING
@pytest.mark.usefixtures("on_images")
# torch keeps the signature of a function that a trick stood in for: its graph breaks, and it warns
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_drop_path_equals_the_branch_by_hand(workload: str, attached: bool) -> None:
    def rewrite(model: Any) -> None:
        model.blocks[1].__class__ = Stochastic  # the first of two has the rate 0

    same_as(rewrite, workload, "drop-path=0.5", attached)


class Bottleneck(nn.Module):
    def __init__(self, last: str) -> None:
        super().__init__()
        self.conv, self.last = nn.Linear(1, 1), last
        for name in {"bn2", last} if last == "bn3" else {last}:  # of both, the later one counts
            setattr(self, name, nn.Identity())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn2(x) if self.last == "bn3" else x
        return x + getattr(self, self.last)(x)


class Ends:
    """What the last parts of the branches hand on, once the trick has changed it."""

    def __init__(self, parts: list[nn.Module]) -> None:
        self.seen: list[torch.Tensor] = []
        for part in parts:
            part.register_forward_hook(lambda m, a, result: self.seen.append(result.detach()))


@pytest.mark.parametrize("last", ["bn2", "bn3", "drop_path", "resid_dropout"])
def test_drop_path_rises_on_a_line_sample_by_sample(last: str) -> None:
    torch.manual_seed(0)
    x = torch.ones(4000, 3, 5)
    with in_script("drop-path=0.6"):
        model = nn.Sequential(*[Bottleneck(last) for _ in range(4)])
        torch.optim.SGD(model.parameters(), lr=0.1)
        ends = Ends([getattr(block, last) for block in model])
        model(x)
        before = x
        for branch, rate in zip(ends.seen, torch.linspace(0, 0.6, 4).tolist(), strict=True):
            factor = branch / before
            sample = factor[:, 0, 0]
            assert torch.equal(factor, sample[:, None, None].expand_as(factor))  # one decision
            kept = sample[sample > 0]
            torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)))
            assert float((sample == 0).float().mean()) == pytest.approx(rate, abs=0.03)
            assert float(sample.mean()) == pytest.approx(1.0, abs=0.06)  # not 1 - rate
            before = before + branch
        ends.seen.clear()
        model.eval()(x)
        assert torch.equal(ends.seen[-1], x * 8)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer])
def test_samples_of_torchs_transformers(kind: Any, batch_first: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(40, 5, 8) if batch_first else torch.randn(5, 40, 8)
    names = ["dropout1", "dropout2", "dropout3"][: 2 + (kind is nn.TransformerDecoderLayer)]
    with in_script("drop-path=0.5"):
        layers = nn.ModuleList([kind(8, 2, 16, 0.0, batch_first=batch_first) for _ in range(2)])
        torch.optim.SGD(layers.parameters(), lr=0.1)
        ends = Ends([getattr(layers[1], name) for name in names])
        layers[1](*[x] * (len(names) - 1))
    assert len(ends.seen) == len(names)
    for branch in ends.seen:
        gone = (branch == 0).all(2) if batch_first else (branch == 0).all(2).T
        assert torch.equal(gone.all(1), gone.any(1))
        assert 0 < int(gone.all(1).sum()) < 40


def test_drop_path_in_half_precision_divides_by_the_exact_rate() -> None:
    torch.manual_seed(0)
    x = torch.ones(64, 3, dtype=torch.bfloat16)
    with in_script("drop-path=0.3"):
        model = nn.Sequential(Bottleneck("bn2"), Bottleneck("bn2")).bfloat16()
        torch.optim.SGD(model.parameters(), lr=0.1)
        ends = Ends([model[1].bn2])
        model[1](x)
    assert torch.equal(ends.seen[0].unique(), (torch.tensor([0.0, 1.0]) / 0.7).bfloat16())


# -- spectral norm -----------------------------------------------------------------------------


class Bounded(Hand):
    """torch's parametrization of each layer, before the first optimizer is built or at the end."""

    def __init__(self, attached: bool) -> None:
        self.attached = attached

    def model(self, model: nn.Module) -> nn.Module:
        self.layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        return model

    def bound(self) -> None:
        while self.layers:
            parametrizations.spectral_norm(self.layers.pop(0))

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        held = list(parameters)  # they stay the same objects
        if not self.attached:
            self.bound()
        return kind(held, **settings)

    def built(self, world: Any) -> None:
        self.bound()


@ATTACHED
@pytest.mark.parametrize("workload", WORKLOADS)
def test_spectral_norm_equals_torchs_parametrization(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Bounded(attached))
    assert_same(expected, treated(workload, "spectral-norm", attached=attached))
    assert differs(expected, plain(workload))


def test_the_largest_singular_value_is_one_and_rests_in_evaluations() -> None:
    torch.manual_seed(0)
    with in_script("spectral-norm,model=Sequential,iterations=3"):
        model, other = nn.Sequential(nn.Linear(6, 4)), nn.Linear(6, 4)
        free = other.weight.detach().clone()
        torch.optim.SGD([*model.parameters(), *other.parameters()], lr=0.1)
        for _ in range(30):
            model(torch.zeros(1, 6))
        weight = model.eval()[0].weight.detach().clone()
        assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1.0, abs=1e-4)
        model(torch.zeros(1, 6))
        assert torch.equal(model[0].weight, weight)
        assert model[0].parametrizations.weight[0].n_power_iterations == 3
        assert torch.equal(other.weight, free)


def test_a_model_without_layers_is_refused() -> None:
    with in_script("spectral-norm"):
        model = nn.Sequential(nn.LayerNorm(3))
        with pytest.raises(TrickError, match="Sequential has no linear or convolution layer"):
            torch.optim.SGD(model.parameters(), lr=0.1)
