"""What every trick is put through: small trainings, run with a trick and by a hand-written loop.

A *workload* is a training of a few milliseconds a step. It calls a `Hand` at every place where a
hand-written variant differs from the plain loop, so that a test reads

    class Clipped(Hand):
        def gradients(self, optimizer):
            torch.nn.utils.clip_grad_norm_(parameters_of(optimizer), 1.0)

    for workload in STEPPING:
        assert_same(by_hand(workload, Clipped()), treated(workload, "clip-norm=1.0"))

`treated` puts tricks in place before anything is built, as `--with` does in a script; with
`attached=True` it attaches them to the finished model and optimizers, as Python code does. All
comparisons are bitwise unless a tolerance is stated.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from assay import seams
from assay.seams.hub import Hub
from assay.tricks.base import Option, Trick, TrickError
from assay.tricks.catalogue import TRICKS, by_name, read
from assay.tricks.handle import Handle, attach, put_in_place

torch.set_num_threads(1)

STEPS = 6


def parameters_of(optimizer: Any) -> list[torch.Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


class Hand:
    """The plain loop; a hand-written variant overrides what it does differently."""

    def model(self, model: nn.Module) -> nn.Module:
        """The model, before an optimizer is built from it."""
        return model

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        return kind(parameters, **settings)

    def built(self, world: World) -> None:
        """Everything is built."""

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        return x, y

    def output(self, model: nn.Module, x: Any) -> Any:
        return model(x)

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.cross_entropy(output, y)

    def gradients(self, optimizer: Any) -> None:
        """The gradients are final and unscaled; the step comes next."""

    def stepped(self, optimizer: Any) -> None:
        """A real step is done (not one that a GradScaler left out)."""

    def evaluating(self, world: World) -> Any:
        """Called before an evaluation; what it returns is called after it."""
        return lambda: None


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 16)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.norm(self.first(x))))


class World:
    """One training of random digits-like data: 64 values in 0..1, ten classes.

    Subclasses are the workloads. `scaler` and `schedulers` are there where a workload has them.
    """

    rows = 8
    optimizers: list[Any]
    scaler: Any = None
    scheduler: Any = None

    def __init__(self, hand: Hand) -> None:
        seed_everything(0)
        self.hand = hand
        data = torch.Generator().manual_seed(1)
        self.x = torch.rand(64, 64, generator=data)
        self.y = torch.randint(0, 10, (64,), generator=data)
        self.model = hand.model(self.make_model())
        self.optimizers = self.make_optimizers()
        hand.built(self)

    def make_model(self) -> nn.Module:
        return Mlp()

    def make_optimizers(self) -> list[Any]:
        return [self.hand.optimizer(torch.optim.SGD, self.model.parameters(), lr=0.1, momentum=0.9)]

    def rows_of(self, t: int) -> tuple[Any, Any]:
        at = torch.arange(t * self.rows, (t + 1) * self.rows) % len(self.x)
        return self.hand.batch(self.x[at], self.y[at])

    def loss_of(self, t: int) -> torch.Tensor:
        x, y = self.rows_of(t)
        return self.hand.loss(self.hand.output(self.model, x), y)

    def step(self, t: int) -> float:
        """One training step; returns the loss."""
        optimizer = self.optimizers[0]
        optimizer.zero_grad()
        loss = self.loss_of(t)
        loss.backward()
        self.hand.gradients(optimizer)
        optimizer.step()
        self.hand.stepped(optimizer)
        return loss.item()

    def evaluate(self) -> float:
        """The loss on all data, gradients off, in eval mode."""
        over = self.hand.evaluating(self)
        self.model.eval()
        with torch.no_grad():
            value = F.cross_entropy(self.model(self.x), self.y).item()
        self.model.train()
        over()
        return value

    def state(self) -> dict[str, Any]:
        """All that a careful script would save."""
        kept = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": self.scaler and self.scaler.state_dict(),
            "scheduler": self.scheduler and self.scheduler.state_dict(),
            "random": (torch.get_rng_state(), random.getstate()),
        }
        return copy.deepcopy(kept)

    def load(self, kept: dict[str, Any]) -> None:
        """Goes on from there."""
        kept = copy.deepcopy(kept)
        self.model.load_state_dict(kept["model"])
        for optimizer, one in zip(self.optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(one)
        if self.scaler:
            self.scaler.load_state_dict(kept["scaler"])
        if self.scheduler:
            self.scheduler.load_state_dict(kept["scheduler"])
        torch.set_rng_state(kept["random"][0])
        random.setstate(kept["random"][1])


class Plain(World):
    """The usual loop."""


class Adam(World):
    """The usual loop with AdamW."""

    def make_optimizers(self) -> list[Any]:
        return [self.hand.optimizer(torch.optim.AdamW, self.model.parameters(), lr=1e-2)]


class Accumulated(World):
    """Two backward passes a step."""

    def step(self, t: int) -> float:
        optimizer = self.optimizers[0]
        optimizer.zero_grad()
        total = 0.0
        for part in (2 * t, 2 * t + 1):
            loss = self.loss_of(part) / 2
            loss.backward()
            total += loss.item()
        self.hand.gradients(optimizer)
        optimizer.step()
        self.hand.stepped(optimizer)
        return total


class Scaled(World):
    """A GradScaler that leaves out the step of one batch, which overflows."""

    overflows = 2

    def __init__(self, hand: Hand) -> None:
        self.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
        super().__init__(hand)

    def step(self, t: int) -> float:
        optimizer, scaler = self.optimizers[0], self.scaler
        optimizer.zero_grad()
        loss = self.loss_of(t)
        scaler.scale(loss * float("inf") if t == self.overflows else loss).backward()
        scaler.unscale_(optimizer)
        finite = all(p.grad is None or bool(p.grad.isfinite().all())
                     for p in parameters_of(optimizer))  # fmt: skip
        if finite:
            self.hand.gradients(optimizer)
        scaler.step(optimizer)
        scaler.update()
        if finite:
            self.hand.stepped(optimizer)
        return loss.item()


class TwoOptimizers(World):
    """One optimizer for the body, another for the head, each with its own rate."""

    def make_optimizers(self) -> list[Any]:
        model: Any = self.model
        head = {id(p) for p in model.head.parameters()}
        body = [p for p in model.parameters() if id(p) not in head]
        return [
            self.hand.optimizer(torch.optim.SGD, body, lr=0.1),
            self.hand.optimizer(torch.optim.Adam, list(model.head.parameters()), lr=1e-2),
        ]

    def step(self, t: int) -> float:
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss = self.loss_of(t)
        loss.backward()
        for optimizer in self.optimizers:
            self.hand.gradients(optimizer)
            optimizer.step()
            self.hand.stepped(optimizer)
        return loss.item()


class Closure(World):
    """The gradient is computed in a closure that the step calls."""

    def step(self, t: int) -> float:
        optimizer = self.optimizers[0]
        calls = 0

        def closure() -> torch.Tensor:
            nonlocal calls
            optimizer.zero_grad()
            loss = self.loss_of(t)
            loss.backward()
            calls += 1
            if calls == 1:
                self.hand.gradients(optimizer)
            return loss

        loss = float(optimizer.step(closure))
        self.hand.stepped(optimizer)
        return loss


class Lbfgs(Closure):
    """A closure that is called many times a step."""

    def make_optimizers(self) -> list[Any]:
        settings = {"lr": 0.1, "max_iter": 4}
        return [self.hand.optimizer(torch.optim.LBFGS, self.model.parameters(), **settings)]


class Compiled(World):
    """The model's call is compiled; the graph is captured as usual and run by torch itself."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        torch._dynamo.reset()
        self._compiled = torch.compile(self.model, backend="aot_eager")

    def loss_of(self, t: int) -> torch.Tensor:
        x, y = self.rows_of(t)
        return self.hand.loss(self.hand.output(self._compiled, x), y)


class TiedModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(12, 16)
        self.mix = nn.Linear(16, 16)
        self.out = nn.Linear(16, 12, bias=False)
        self.out.weight = self.words.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.mix(self.words(x))))


class Tied(World):
    """A tiny language model whose embedding is its output layer."""

    def make_model(self) -> nn.Module:
        return TiedModel()

    def rows_of(self, t: int) -> tuple[Any, Any]:
        x = (self.x[t % 64, :24] * 12).long()
        return self.hand.batch(x, (x + 1) % 12)

    def evaluate(self) -> float:
        over = self.hand.evaluating(self)
        self.model.eval()
        with torch.no_grad():
            x = (self.x[:, :24] * 12).long()
            value = F.cross_entropy(self.model(x).flatten(0, 1), ((x + 1) % 12).flatten()).item()
        self.model.train()
        over()
        return value


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.tanh(self.norm(self.conv(x)))


class KitchenModel(nn.Module):
    """Something for every trick: BatchNorm, residual blocks, dropout, tanh, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.blocks = nn.Sequential(Block(), Block())
        self.act = nn.Sigmoid()
        self.hidden = nn.Linear(64, 16)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.stem(x.unflatten(1, (1, 8, 8))))
        x = nn.functional.avg_pool2d(x, 2).flatten(1)
        return self.head(self.drop(self.act(self.hidden(x))))


class Kitchen(World):
    """Something for every trick: DataLoader, BatchNorm, dropout, scheduler, clipping."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        data = torch.utils.data.TensorDataset(self.x, self.y)
        self.loader = torch.utils.data.DataLoader(data, batch_size=self.rows)
        self._batches: Iterator[Any] = iter(())
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizers[0], 2, 0.5)

    def make_model(self) -> nn.Module:
        return KitchenModel()

    def rows_of(self, t: int) -> tuple[Any, Any]:
        found = next(self._batches, None)
        if found is None:
            self._batches = iter(self.loader)
            found = next(self._batches)
        return self.hand.batch(*found)

    def step(self, t: int) -> float:
        value = super().step(t)
        self.scheduler.step()
        return value


WORKLOADS: dict[str, type[World]] = {
    "plain": Plain,
    "adamw": Adam,
    "accumulated": Accumulated,
    "scaled": Scaled,
    "two-optimizers": TwoOptimizers,
    "closure": Closure,
    "lbfgs": Lbfgs,
    "compiled": Compiled,
    "tied": Tied,
    "kitchen": Kitchen,
}
STEPPING = tuple(name for name in WORKLOADS if name != "lbfgs")
"""Workloads that take one gradient a step: where a trick and a plain loop do the same."""


@dataclass
class Record:
    """What came out of a training."""

    losses: list[float] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizers: list[Any] = field(default_factory=list)
    evaluated: float = 0.0


def seed_everything(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)


def train(world: World, steps: range) -> list[float]:
    return [world.step(t) for t in steps]


def record_of(world: World, losses: list[float]) -> Record:
    held = {id(p): p for o in world.optimizers for p in parameters_of(o)}
    weights = {f"held {i}": p.detach().clone() for i, p in enumerate(held.values())}
    own = dict(world.model.named_parameters()) | dict(world.model.named_buffers())
    weights |= {name: value.detach().clone() for name, value in own.items()}
    states = copy.deepcopy([o.state_dict() for o in world.optimizers])
    return Record(losses, weights, states, world.evaluate())


def by_hand(workload: str, hand: Hand | None = None, steps: int = STEPS) -> Record:
    """The workload as the hand does it; the plain loop without one."""
    world = WORKLOADS[workload](hand or Hand())
    return record_of(world, train(world, range(steps)))


def plain(workload: str, steps: int = STEPS) -> Record:
    """The workload without any trick."""
    return by_hand(workload, None, steps)


@contextmanager
def in_script(*tricks: str | Trick, steps: int | None = None) -> Iterator[Handle]:
    """Tricks for all that is built inside, as `--with` (and `--steps`) put them in place."""
    hub = Hub(on_error=_fail)
    handle = put_in_place([_trick(t) for t in tricks], hub, None, seams.install(hub), steps=steps)
    try:
        yield handle
    finally:
        handle.detach()


def treated(
    workload: str, *tricks: str | Trick, steps: int = STEPS, attached: bool = False
) -> Record:
    """The plain workload with tricks, in a script or attached from Python."""
    if attached:
        world = WORKLOADS[workload](Hand())
        with attach([_trick(t) for t in tricks], (world.model, *world.optimizers)):
            return record_of(world, train(world, range(steps)))
    with in_script(*tricks):
        world = WORKLOADS[workload](Hand())
        return record_of(world, train(world, range(steps)))


def assert_same(one: Record, other: Record, tolerance: float = 0.0) -> None:
    """Losses, weights, buffers and the evaluation are equal: to the last bit without a tolerance.

    What optimizers say of their groups is not compared, since a hand-written loop may change what a
    trick leaves as the script has it; their per-parameter state is seen in later weights.
    """
    losses = [torch.tensor(r.losses, dtype=torch.float64) for r in (one, other)]
    torch.testing.assert_close(*losses, rtol=tolerance, atol=tolerance, equal_nan=True)
    assert one.weights.keys() == other.weights.keys()
    for name, value in one.weights.items():
        what = other.weights[name]
        torch.testing.assert_close(
            value, what, rtol=tolerance, atol=tolerance, equal_nan=True,
            msg=lambda m, name=name: f"{name}: {m}",
        )  # fmt: skip
    torch.testing.assert_close(one.evaluated, other.evaluated, rtol=tolerance, atol=tolerance)


def differs(one: Record, other: Record) -> bool:
    """Whether a trick did anything at all: a comparison of two plain runs would prove nothing."""
    return one.losses != other.losses or any(
        not torch.equal(value, other.weights.get(name, torch.empty(0)))
        for name, value in one.weights.items()
    )


def _fail(where: str, error: BaseException) -> None:
    raise AssertionError(f"{where}: {error!r}") from error


def _trick(trick: str | Trick) -> Trick:
    return read(trick) if isinstance(trick, str) else trick


# -- one example of each trick --------------------------------------------------------------------

EXAMPLES: dict[str, str] = {
    "clip-value": "clip-value=0.01",
    "clip-norm": "clip-norm=0.1",
    "freeze": "freeze=stem",
    "unfreeze": "unfreeze=head",
    "schedule": "schedule=cosine,total=20",
    "optimizer": "optimizer=adamw",
    "lr": "lr=0.05",
    "weight-decay": "weight-decay=0.1",
    "momentum": "momentum=0.5",
    "swa": "swa=1",
    "scale-lr-with-batch": "scale-lr-with-batch=4",
}
"""Where the first value that a trick allows is not a telling one, or depends on the workload."""


def example(kind: type[Trick]) -> str:
    """A trick as a person would ask for it."""
    if kind.name in EXAMPLES:
        return EXAMPLES[kind.name]
    if kind.value is None or not kind.value.required:
        return kind.name
    return f"{kind.name}={_good(kind.value)}"


def _good(option: Option) -> Any:
    if option.choices:
        return option.choices[0]
    if option.kind is bool:
        return "yes"
    if option.kind is str:
        return "head"
    low = option.low if option.low > -1e9 else 0.0
    high = option.high if option.high < 1e9 else low + 4
    middle = (low + high) / 2
    return max(int(middle), int(low)) if option.kind is int else middle


def bad_values(kind: type[Trick]) -> list[str]:
    """What must be refused: each option out of range, of the wrong type, and unknown ones."""
    asked = example(kind)
    head, *given = asked.split(",")
    bad = [f"{asked},no-such-option=1", f"{asked},no-such-option"]
    if kind.value is None:
        bad.append(f"{kind.name}=1")
    for option in (kind.value, *kind.options):
        if option is None:
            continue
        for raw in _bad(option):
            if option is kind.value:
                bad.append(",".join([f"{kind.name}={raw}", *given]))
            else:
                kept = [g for g in given if g.partition("=")[0] != option.name]
                bad.append(",".join([head, *kept, f"{option.name}={raw}"]))
    return bad


def _bad(option: Option) -> Iterator[str]:
    if option.choices or option.kind is not str:
        yield "no-such-thing"
        yield ""
    if option.kind in (int, float):
        yield "nan"
        for bound, outward, is_open in (
            (option.low, -1, option.open_low),
            (option.high, 1, option.open_high),
        ):
            if abs(bound) < 1e12:
                yield repr(bound + outward)
                if is_open:
                    yield repr(bound)
    if option.kind is int:
        yield "1.5"


# -- torch as it was ------------------------------------------------------------------------------


def fingerprint() -> dict[str, Any]:
    """Every attribute and every function's code where seams and tricks stand in for torch's own."""
    from torch.amp import autocast_mode, grad_scaler
    from torch.nn import init
    from torch.nn.utils import clip_grad
    from torch.optim import lr_scheduler
    from torch.optim import optimizer as base
    from torch.utils import checkpoint, data

    owners: list[Any] = [
        torch, torch.Tensor, torch.autograd, F, init, clip_grad, checkpoint, nn.Module, data.DataLoader,
        grad_scaler.GradScaler, autocast_mode.autocast, lr_scheduler.LRScheduler,
        lr_scheduler.ReduceLROnPlateau, *_subclasses(torch.optim.Optimizer), torch.optim.Optimizer,
    ]  # fmt: skip
    found: dict[str, Any] = {}
    for owner in owners:
        for name, value in vars(owner).items():
            if name.startswith("__") and name not in ("__init__", "__call__", "__enter__"):
                continue
            key = f"{getattr(owner, '__name__', owner)}.{name}"
            found[key] = (
                value,
                getattr(value, "__code__", None),
                getattr(value, "__kwdefaults__", 0),
            )
    found["pre hooks"] = list(base._global_optimizer_pre_hooks)
    found["post hooks"] = list(base._global_optimizer_post_hooks)
    return found


def _subclasses(kind: type) -> list[type]:
    return [
        c for sub in kind.__subclasses__() if sub.__module__.startswith("torch.")
        for c in (sub, *_subclasses(sub))
    ]  # fmt: skip


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of what is not as it was."""
    return sorted(
        key
        for key in before.keys() | after.keys()
        if key not in before or key not in after or not _alike(before[key], after[key])
    )


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return one[0] is other[0] and one[1:] == other[1:]
    return bool(one == other)


__all__ = [
    "EXAMPLES", "STEPPING", "STEPS", "TRICKS", "WORKLOADS", "Callable", "Hand", "Record", "Sequence",
    "TrickError", "World", "assert_same", "bad_values", "by_hand", "by_name", "changed", "differs",
    "example", "fingerprint", "in_script", "parameters_of", "plain", "read", "record_of", "train",
    "treated",
]  # fmt: skip
