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
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from fingerprint import changed, fingerprint
from game import Game
from kitchen import Kitchen
from workloads import (
    Accumulated,
    Adam,
    Closure,
    Compiled,
    Hand,
    Lbfgs,
    Plain,
    Scaled,
    Tied,
    TwoOptimizers,
    World,
    parameters_of,
    seed_everything,
)

from assay import seams
from assay.journal.writer import Journal
from assay.probes.gradient.gradients import Gradients
from assay.seams.hub import Hub
from assay.tricks.base import Option, Trick, TrickError
from assay.tricks.catalogue import TRICKS, by_name
from assay.tricks.handle import Handle, attach, put_in_place
from assay.tricks.reading import read
from assay.tricks.wrappers import bare
from assay.watching.watch import Watch

STEPS = 6

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
GAMES: dict[str, type[World]] = {"players": Game}
"""Workloads of several models, for tricks that no other gives anything to do."""


def begin(workload: str, hand: Hand) -> World:
    """A workload, of whichever kind, before its first step."""
    return (GAMES if workload in GAMES else WORKLOADS)[workload](hand)


@dataclass
class Record:
    """What came out of a training."""

    losses: list[float] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizers: list[Any] = field(default_factory=list)
    evaluated: float = 0.0


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
    world = begin(workload, hand or Hand())
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


@contextmanager
def in_watched_script(folder: Path, *tricks: str | Trick) -> Iterator[Handle]:
    """The same in a run that is watched, where most steps lie between samples."""
    hub, journal = Hub(on_error=_fail), Journal(str(folder))
    watch = Watch(hub, journal, {"budget": 1e-9})
    patches = seams.install(hub)
    handle = put_in_place([_trick(t) for t in tricks], hub, None)
    watch.attach([Gradients])
    try:
        yield handle
    finally:
        handle.detach()
        patches.undo()
        watch.finish()
        journal.close()


def treated(
    workload: str, *tricks: str | Trick, steps: int = STEPS, attached: bool = False
) -> Record:
    """The plain workload with tricks, in a script or attached from Python."""
    if attached:
        world = begin(workload, Hand())
        with attach([_trick(t) for t in tricks], (world.model, *world.optimizers)):
            return record_of(world, train(world, range(steps)))
    with in_script(*tricks):
        world = begin(workload, Hand())
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


def _fail(where: str, error: BaseException, by: str) -> None:
    raise AssertionError(f"{where}: {error!r}") from error


def _trick(trick: str | Trick) -> Trick:
    return read(trick) if isinstance(trick, str) else trick


# -- one example of each trick --------------------------------------------------------------------

FILES = tempfile.TemporaryDirectory()


def checkpoint(workload: str, name: str = "weights") -> str:
    """A file with weights other than those that the workload starts from, and all above 0."""
    path = Path(FILES.name) / f"{workload}-{name}.pt"
    if not path.exists():
        made = torch.Generator().manual_seed(len(name))
        state = bare(begin(workload, Hand()).model).state_dict()
        torch.save({
            key: torch.rand(t.shape, generator=made) / 2 if t.is_floating_point() else t
            for key, t in state.items()
        }, path)  # fmt: skip
    return str(path)


EXAMPLES: dict[str, str] = {
    "accumulate": "accumulate=2",
    "clip-value": "clip-value=0.01",
    "clip-norm": "clip-norm=0.1",
    "freeze": "freeze=hidden",
    "unfreeze": "unfreeze=stem",
    "schedule": "schedule=cosine,total=20",
    "optimizer": "optimizer=schedule-free-adamw",
    "lr": "lr=0.05",
    "weight-decay": "weight-decay=0.1",
    "momentum": "momentum=0.5",
    "betas": "betas=0.8,beta2=0.95",
    "eps": "eps=1e-3",
    "layer-decay": "layer-decay=0.7",
    "swa": "swa=1",
    "scale-lr-with-batch": "scale-lr-with-batch=4",
    "lookahead": "lookahead=2",
    "distill": f"distill={checkpoint('kitchen')},temperature=2",
    "ewc": f"ewc={checkpoint('kitchen')},strength=0.5",
}
"""Where the first value that a trick allows is not a telling one, or depends on the workload."""


def example(kind: type[Trick]) -> str:
    """A trick as a person would ask for it."""
    if kind.name in EXAMPLES:
        return EXAMPLES[kind.name]
    if kind.main is None or not kind.main.required:
        return kind.name
    return f"{kind.name}={_good(kind.main)}"


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
    if kind.main is None:
        bad.append(f"{kind.name}=1")
    for option in kind.takes():
        for raw in _bad(option):
            if option.main:
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


__all__ = [
    "EXAMPLES", "STEPPING", "STEPS", "TRICKS", "WORKLOADS", "Hand", "Record", "TrickError", "World",
    "assert_same", "attach", "bad_values", "begin", "by_hand", "by_name", "changed", "checkpoint",
    "differs", "example", "fingerprint", "in_script", "in_watched_script", "parameters_of", "plain",
    "read", "record_of", "seed_everything", "train", "treated",
]  # fmt: skip
