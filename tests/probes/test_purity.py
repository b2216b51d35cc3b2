from __future__ import annotations

import random
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.replay.purity import is_replaced, why_impure
from assay.replay.twin import Twin

CALLS: list[int] = []
COUNTS = {"calls": 0}


def helper(x: Tensor) -> Tensor:
    y = torch.tanh(x)
    return y * 2


def counting_helper(x: Tensor) -> Tensor:
    COUNTS["calls"] = COUNTS["calls"] + 1
    return x


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.scale = 0.5
        self.act = F.relu
        self.calls = 0
        self.kept: list[Any] = []
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("memory", torch.zeros(8, 4))


# --- forwards without side effects ------------------------------------------------------------


class Plain(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x)) * self.scale
        return self.second(F.dropout(x, 0.1, self.training))


class Loops(Base):
    def forward(self, x: Tensor) -> Tensor:
        states = []
        for number, block in enumerate(self.blocks):
            x = block(x) if number < len(self.blocks) else x
            states.append(x)
        for block, other in zip(self.blocks, reversed(self.blocks), strict=True):
            x = x + block(x) + other(x)
        return torch.stack(states).sum(0) + x


class Comprehends(Base):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([block(x) for block in self.blocks]).mean(0)


class Helps(Base):
    def forward(self, x: Tensor) -> Tensor:
        batch, width = x.shape
        steps = 0
        while steps < 2:
            x = self.act(self._inner(x)).view(batch, width)
            steps += 1
        return helper(x)

    def _inner(self, x: Tensor) -> Tensor:
        if self.training and x.dim() == 2:
            return self.first(x)
        return self.second(x)


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 12)
        self.norm = nn.LayerNorm(4)
        self.heads = 2

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
        weights = (q @ k.transpose(-2, -1) / self.heads**0.5).softmax(-1)
        return x + weights @ v


class InheritsForward(nn.Sequential):
    pass


class Grows(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


class GrowsLinear(nn.Linear):
    def __init__(self) -> None:
        super().__init__(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


class Contexts(Base):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16), torch.profiler.record_function("first"):
            y = self.first(x)
        with torch.no_grad():
            gate = torch.sigmoid(x)
        return y.float() * gate


class Tries(Base):
    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.first(x)
        except RuntimeError as error:
            raise ValueError("a wrong shape") from error
        finally:
            x = x + 1


@pytest.mark.parametrize(
    "kind", [Plain, Loops, Comprehends, Helps, Attends, Grows, GrowsLinear, Contexts, Tries]
)
def test_proved_pure(kind: type[nn.Module]) -> None:
    assert why_impure(kind()) is None
    assert why_impure(nn.Sequential(kind(), nn.BatchNorm1d(4))) is None


def test_torchs_own_modules_are_pure() -> None:
    assert why_impure(nn.LSTM(4, 4)) is None
    assert why_impure(InheritsForward(nn.Linear(2, 2), nn.ReLU())) is None
    assert why_impure(nn.TransformerEncoderLayer(8, 2)) is None


# --- forwards that change nothing but what a twin has of its own ----------------------------------


class Counts(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.first(x)


class Keeps(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.kept.append(x)
        return self.first(x)


class KeepsByAlias(Base):
    def forward(self, x: Tensor) -> Tensor:
        kept = self.kept
        kept.append(x)
        return self.first(x)


class MethodWrites(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self._inner(x)

    def _inner(self, x: Tensor) -> Tensor:
        self.calls = 3
        return self.first(x)


class KeepsActivation(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.last = self.first(x)
        self.second.given = x.shape
        return F.relu(self.last)


class CountsInBuffer(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return self.first(x)


class WritesIntoBuffer(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.memory[self.calls] = x[0]
        self.calls = (self.calls + 1) % 8
        return self.first(x)


class Hooked(Base):
    def __init__(self) -> None:
        super().__init__()
        self.first.register_forward_hook(lambda *_: self.kept.append("called"))

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x)


KEEPING = [Counts, Keeps, KeepsByAlias, MethodWrites, KeepsActivation, CountsInBuffer,
           WritesIntoBuffer, Hooked]  # fmt: skip


@pytest.mark.parametrize("kind", KEEPING)
def test_what_a_forward_keeps_in_its_modules_is_kept_by_the_twin_alone(
    kind: type[Base],
) -> None:
    model, x = kind(), torch.randn(3, 4)
    assert why_impure(model) is None
    expected = model(x)
    assert why_impure(model) is None, "also once it has kept something"
    before = [dict(vars(module)) for module in model.modules()]
    kept, buffers = list(model.kept), [b.clone() for b in model.buffers()]
    twin = Twin(model, True)
    assert torch.equal(twin.module(x), expected)
    for module, held in zip(model.modules(), before, strict=True):
        assert vars(module).keys() == held.keys()
        assert all(vars(module)[name] is value for name, value in held.items())
    assert model.kept == kept
    assert all(map(torch.equal, model.buffers(), buffers))


# --- forwards with side effects: each must be refused -------------------------------------------


class Prints(Base):
    def forward(self, x: Tensor) -> Tensor:
        print(x.shape)
        return self.first(x)


class Opens(Base):
    def forward(self, x: Tensor) -> Tensor:
        open("/dev/null")  # noqa: SIM115
        return self.first(x)


class WritesInPlace(Base):
    def forward(self, x: Tensor) -> Tensor:
        x += 1
        return self.first(x)


class AddsToBuffer(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.seen.add_(1)
        return self.first(x)


class WritesElement(Base):
    def forward(self, x: Tensor) -> Tensor:
        x[0] = 0
        return self.first(x)


class WritesGlobal(Base):
    def forward(self, x: Tensor) -> Tensor:
        COUNTS["calls"] = 1
        return self.first(x)


class AppendsToGlobal(Base):
    def forward(self, x: Tensor) -> Tensor:
        CALLS.append(1)
        return self.first(x)


class HelperWrites(Base):
    def forward(self, x: Tensor) -> Tensor:
        return counting_helper(self.first(x))


class PropertyWrites(Base):
    @property
    def gain(self) -> float:
        COUNTS["calls"] = 5
        return 1.0

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) * self.gain


class OtherDice(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) * random.random()


class Seeds(Base):
    def forward(self, x: Tensor) -> Tensor:
        torch.manual_seed(0)
        return self.first(x)


class WritesOut(Base):
    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, 1, out=x)


class InplaceByPosition(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.first(F.relu(x, True))


class Renorms(Base):
    def forward(self, x: Tensor) -> Tensor:
        return F.embedding(x.long(), self.first.weight, None, 1.0)


class UpdatesStatistics(Base):
    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.first.bias, self.second.bias, training=True)


class NoGrad(Base):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            COUNTS["calls"] = 2
        return self.first(x)


class CallsDataMethod(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.first(x.normal_())


class PassesFunction(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.first(x.apply_(abs))


class OutsideModule(Base):
    def forward(self, x: Tensor) -> Tensor:
        return OUTSIDE(x)


class AsksGradMode(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) if torch.is_grad_enabled() else x


class GlobalStatement(Base):
    def forward(self, x: Tensor) -> Tensor:
        global OUTSIDE
        OUTSIDE = self.first
        return self.first(x)


class OwnCall(Base):
    def __call__(self, x: Tensor) -> Tensor:
        COUNTS["calls"] = 1
        return super().__call__(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x)


class OwnGetattr(Base):
    def __getattr__(self, name: str) -> Any:
        COUNTS["calls"] = 1
        return super().__getattr__(name)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x)


class WrappedLinear(nn.Linear):
    def _load_from_state_dict(self, *args: Any) -> None:
        CALLS.append(1)


class EntersAnything(Base):
    def forward(self, x: Tensor) -> Tensor:
        with open("/dev/null"):
            return self.first(x)


class WritesWhenItFails(Base):
    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.first(x)
        except RuntimeError:
            CALLS.append(1)
            raise


class UsesItsError(Base):
    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.first(x)
        except RuntimeError as error:
            return error.value


class GrowsAWriter(WritesGlobal):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


class GrowsChangedLinear(nn.Linear):
    def __init__(self) -> None:
        super().__init__(4, 4)

    def reset(self) -> None:
        CALLS.append(1)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


OUTSIDE = nn.Linear(4, 4)


class AddsToKeptTensor(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.total = x
        self.total += 1
        return self.first(x)


class CountsInWhatMayBeATensor(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.calls += x.mean()
        return self.first(x)


class SetsAProperty(Base):
    @property
    def gain(self) -> float:
        return 1.0

    @gain.setter
    def gain(self, value: float) -> None:
        COUNTS["calls"] = 5

    def forward(self, x: Tensor) -> Tensor:
        self.gain = 2.0
        return self.first(x)


class KeepsAModule(Base):
    def forward(self, x: Tensor) -> Tensor:
        self.current = self.first
        return self.current(x)


IMPURE = [
    AddsToKeptTensor, CountsInWhatMayBeATensor, SetsAProperty, KeepsAModule,
    EntersAnything, WritesWhenItFails, UsesItsError, GrowsAWriter, GrowsChangedLinear,
    Prints, Opens, WritesInPlace, AddsToBuffer, WritesElement,
    WritesGlobal, AppendsToGlobal, HelperWrites, PropertyWrites, OtherDice, Seeds,
    WritesOut, InplaceByPosition, Renorms, UpdatesStatistics, NoGrad, CallsDataMethod,
    PassesFunction, OutsideModule, AsksGradMode, GlobalStatement, OwnCall, OwnGetattr,
]  # fmt: skip


@pytest.mark.parametrize("kind", IMPURE)
def test_side_effects_are_refused(kind: type[nn.Module]) -> None:
    assert why_impure(kind()) is not None
    assert why_impure(nn.Sequential(nn.Linear(4, 4), kind())) is not None


def test_embeddings_that_rescale_their_weights_are_refused() -> None:
    assert why_impure(nn.Embedding(4, 4, max_norm=1.0)) is not None
    assert why_impure(nn.Embedding(4, 4)) is None


def test_subclasses_of_torchs_modules_that_change_more_than_their_set_up_are_refused() -> None:
    assert why_impure(WrappedLinear(2, 2)) is not None


def test_a_replaced_forward_is_refused() -> None:
    model = Plain()
    model.forward = lambda x: x  # type: ignore[method-assign,assignment]
    assert why_impure(model) is not None
    assert is_replaced(model) is not None


def test_source_that_is_not_what_runs_is_refused() -> None:
    space: dict[str, Any] = {"nn": nn, "Base": Base}
    exec("class Made(Base):\n    def forward(self, x):\n        return self.first(x)\n", space)
    assert "source" in str(why_impure(space["Made"]()))
