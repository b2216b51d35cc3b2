"""Trains copies of the weights on stored batches: with a robust optimizer, or the script's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import monotonic
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from .stored import Stored

STEPS = 200
STEPS_AT_LEAST = 30
"""With fewer, since each takes long, nothing is said of what could not be learnt."""
SWEEP = (1e-2, 1e-3, 1e-1, 3e-3, 3e-2, 1.0)
"""Rates of Adam, the likeliest first: it changes a weight by about so much in a step."""
LAST = 0.1
"""Of the steps, whose median counts: the last one alone may be a peak."""
FALLING = 0.03
"""A loss that fell by this share in the last fifth of the steps may fall further."""


@dataclass(slots=True)
class Descent:
    """How the answers went, and the weights at the end.

    Attributes:
        values: Losses as `Stored.compute` gives them, before each step.
        losses: The script's own.
        weights: By identity of the live ones.
        ended: Whether it had all its steps, or what was wanted earlier.
    """

    values: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    weights: dict[int, Tensor] = field(default_factory=dict)
    ended: bool = False
    untouched: bool = False
    """Whether no gradient reached any weight."""

    @property
    def first(self) -> float:
        """The value before the first step."""
        return self.values[0]

    @property
    def last(self) -> float:
        """The median of the last tenth; nan where one of these is none."""
        tail = self.values[-max(int(LAST * len(self.values)), 1) :]
        return median(tail) if all(map(math.isfinite, tail)) else math.nan

    @property
    def finite(self) -> bool:
        """Whether all values were."""
        return all(map(math.isfinite, self.values))

    @property
    def is_falling(self) -> bool:
        """Whether the loss still fell at the end, so that more steps might have done."""
        part = max(len(self.values) // 5, 1)
        if len(self.values) < 3 * part or not self.finite:
            return False
        before, late = median(self.values[-2 * part : -part]), median(self.values[-part:])
        return before - late > FALLING * max(abs(before), 1e-30)


class _Seen(NamedTuple):
    loss: Tensor
    value: float
    reached: bool


Enough = Callable[[Descent], bool]


def copies(first: dict[int, Tensor], trained: Callable[[int], bool]) -> dict[int, Tensor]:
    """Returns leaves with these values, of which some are to be trained."""
    return {
        key: value.clone().requires_grad_(trained(key) and value.is_floating_point())
        for key, value in first.items()
    }


def robust(
    batches: Sequence[Stored],
    first: dict[int, Tensor],
    trained: Callable[[int], bool],
    rate: float,
    *,
    steps: int,
    until: float,
    enough: Enough = lambda _: False,
) -> Descent:
    """Trains by Adam, in float32 whatever the weights are kept in, over these batches in turn.

    Args:
        batches: One or more.
        first: Weights to begin with.
        trained: Which of them are trained.
        rate: Adam's.
        steps: How many at most.
        until: When to stop, by `monotonic`.
        enough: Whether to stop earlier; asked after each round of at least 10 steps.

    Raises:
        NotReplayable: why a batch can't be computed.
    """
    wide = {
        key: value.float().clone().requires_grad_(True)
        for key, value in first.items()
        if trained(key) and value.is_floating_point()
    }
    rest = {key: value for key, value in first.items() if key not in wide}
    optimizer = torch.optim.Adam(list(wide.values()), rate) if wide else None

    def now() -> dict[int, Tensor]:
        return {**rest, **{key: value.to(first[key].dtype) for key, value in wide.items()}}

    return _train(batches, now, list(wide.values()), optimizer, None, steps, until, enough)


def own(
    batches: Sequence[Stored],
    first: dict[int, Tensor],
    made: Callable[[dict[int, Tensor]], Any],
    trained: Callable[[int], bool],
    rates: Sequence[Sequence[float]],
    *,
    steps: int,
    until: float,
    enough: Enough = lambda _: False,
    clip: tuple[str, float, set[int]] | None = None,
) -> Descent:
    """Trains by the script's own optimizer, with the rates that it had step by step.

    Args:
        batches: One or more.
        first: Weights to begin with.
        made: Makes the optimizer around copies.
        trained: Which weights it may train.
        rates: By step and group; the last ones hold from then on.
        steps: How many at most.
        until: When to stop, by `monotonic`.
        enough: Whether to stop earlier.
        clip: How gradients are clipped: by `norm` or by `value`, the limit, which weights'.

    Raises:
        NotReplayable: why a batch can't be computed.
    """
    weights = copies(first, trained)
    optimizer = made(weights)
    leaves = [value for value in weights.values() if value.requires_grad]

    def clipped() -> None:
        if clip is not None:
            kind, limit, which = clip
            function = clip_grad_norm_ if kind == "norm" else clip_grad_value_
            function([weights[key] for key in which if key in weights], limit)

    return _train(
        batches, lambda: weights, leaves, optimizer, rates or None, steps, until, enough, clipped
    )


def _train(
    batches: Sequence[Stored],
    now: Callable[[], dict[int, Tensor]],
    leaves: list[Tensor],
    optimizer: Any,
    rates: Sequence[Sequence[float]] | None,
    steps: int,
    until: float,
    enough: Enough,
    clipped: Callable[[], None] = lambda: None,
) -> Descent:
    done = Descent()
    if optimizer is None:
        done.untouched = True
        done.values.append(batches[0].compute(now())[1])
        return done
    for step in range(steps):
        if monotonic() > until:
            break
        if rates:
            _set(optimizer, rates[min(step, len(rates) - 1)])
        batch, seen = batches[step % len(batches)], list[_Seen]()

        def closure(batch: Stored = batch, seen: list[_Seen] = seen) -> Tensor:
            seen.append(_look(batch, now(), leaves))
            clipped()
            return seen[-1].loss

        optimizer.step(closure)
        first = seen[0]  # LBFGS looks around; the one it started from is the step's
        done.losses.append(float(first.loss))
        done.values.append(first.value)
        done.untouched = not step and not first.reached
        if done.untouched or not math.isfinite(done.losses[-1]):
            break
        if step % 10 == 9 and enough(done):
            done.ended = True
            break
    else:
        done.ended = True
    done.weights = {key: value.detach().clone() for key, value in now().items()}
    return done


def _set(optimizer: Any, rates: Sequence[float]) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=False):
        if not isinstance(group.get("lr"), Tensor):
            group["lr"] = rate


def _look(batch: Stored, weights: dict[int, Tensor], leaves: list[Tensor]) -> _Seen:
    """Computes a batch, and sets the gradients of these leaves."""
    with torch.enable_grad():
        loss, value = batch.compute(weights, grad=True)
    found: Sequence[Tensor | None] = [None] * len(leaves)
    if loss.requires_grad:
        found = torch.autograd.grad(loss, leaves, allow_unused=True)
    for leaf, gradient in zip(leaves, found, strict=True):
        leaf.grad = gradient
    reached = any(gradient is not None and bool((gradient != 0).any()) for gradient in found)
    return _Seen(loss.detach(), value, reached)
