"""Schedules as pure functions of the step: what the rate is multiplied by.

Every curve takes the step t (0 for the first) and gives a factor that is 1 at its peak. No curve
remembers anything, so each can be drawn, resumed at any step, and asked twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


def step(t: int, *, every: int, gamma: float) -> float:
    """Falls by gamma every so many steps."""
    return float(gamma ** (t // every))


def multi_step(t: int, *, milestones: tuple[int, ...], gamma: float) -> float:
    """Falls by gamma at each milestone."""
    return float(gamma ** sum(t >= milestone for milestone in milestones))


def exponential(t: int, *, gamma: float) -> float:
    """Falls by gamma every step."""
    return float(gamma**t)


def inverse_time(t: int, *, slope: float) -> float:
    """Computes 1 / (1 + slope t), of the first rate: recursively it falls like a factorial."""
    return 1 / (1 + slope * t)


def polynomial(t: int, *, total: int, power: float, end: float) -> float:
    """Falls to `end` over `total` steps as a power of what is left; power 1 is a line."""
    return end + (1 - end) * float((1 - min(t, total) / total) ** power)


def cosine(t: int, *, total: int, end: float) -> float:
    """Follows half a cosine from 1 to `end`, where it stays (torch's own rises again)."""
    return end + (1 - end) * (1 + math.cos(math.pi * min(t, total) / total)) / 2


def cosine_restarts(t: int, *, period: int, growth: int, end: float) -> float:
    """Follows half cosines from 1 to `end`, each `growth` times as long as the last."""
    if growth == 1:
        return cosine(t % period, total=period, end=end)
    while t >= period:
        t -= period
        period *= growth
    return cosine(t, total=period, end=end)


def cyclic(t: int, *, period: int, start: float) -> float:
    """Rises from `start` to 1 and falls again, on straight lines, once a period."""
    where = (t % period) / period
    return start + (1 - start) * (1 - abs(2 * where - 1))


def one_cycle(t: int, *, total: int, rise: float, start: float, end: float) -> float:
    """Rises from `start` to 1 over the share `rise`, then falls to `end`, on half cosines."""
    top, last = rise * total - 1, total - 1
    t = min(t, last)  # torch's own climbs again after the last step
    if t <= top:
        return _half_cosine(start, 1.0, t / top if top > 0 else 1.0)
    return _half_cosine(1.0, end, (t - top) / (last - top))


def _half_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) / 2 * (1 + math.cos(math.pi * share))


def warmup_stable_decay(t: int, *, total: int, rise: float, decay: float, end: float) -> float:
    """Rises over the share `rise`, stays, and falls on a line over the share `decay`."""
    warm, falling = round(rise * total), round(decay * total)
    if t < warm:
        return (t + 1) / warm
    if t < total - falling:
        return 1.0
    return end + (1 - end) * ((total - min(t, total)) / falling if falling else 0.0)


def inverse_sqrt(t: int, *, timescale: int) -> float:
    """Falls like 1 / sqrt(t), from 1 at the first step."""
    return 1 / math.sqrt((t + timescale) / timescale)


class Plateau:
    """Falls by gamma when a metric has not improved for more than `patience` readings.

    Better means lower by a share `threshold` of the best value's size: torch's own multiplies by
    `1 - threshold`, which calls a worse value better where the metric is negative. A value that is
    not finite is no reading: torch's own counts it as a bad one.
    """

    def __init__(self, gamma: float, patience: int, end: float, threshold: float = 1e-4) -> None:
        self.gamma, self.patience, self.end, self.threshold = gamma, patience, end, threshold
        self.factor, self.best, self.bad = 1.0, math.inf, 0

    def update(self, metric: float) -> float:
        """Notes a reading; returns the factor from now on."""
        if not math.isfinite(metric):
            return self.factor
        if self.best == math.inf or metric < self.best - self.threshold * abs(self.best):
            self.best, self.bad = metric, 0
        else:
            self.bad += 1
        if self.bad > self.patience:
            self.factor, self.bad = max(self.factor * self.gamma, self.end), 0
        return self.factor


@dataclass(frozen=True, slots=True)
class Curve:
    """A schedule: its function, what has to be given, and what holds otherwise."""

    function: Callable[..., float]
    needs: tuple[str, ...]
    otherwise: Mapping[str, Any]

    @property
    def takes(self) -> tuple[str, ...]:
        """Names of all its settings."""
        return (*self.needs, *self.otherwise)


CURVES: dict[str, Curve] = {
    "step": Curve(step, ("every",), {"gamma": 0.1}),
    "multi-step": Curve(multi_step, ("milestones",), {"gamma": 0.1}),
    "exponential": Curve(exponential, ("gamma",), {}),
    "inverse-time": Curve(inverse_time, ("slope",), {}),
    "polynomial": Curve(polynomial, ("total",), {"power": 1.0, "end": 0.0}),
    "cosine": Curve(cosine, ("total",), {"end": 0.0}),
    "cosine-restarts": Curve(cosine_restarts, ("period",), {"growth": 1, "end": 0.0}),
    "cyclic": Curve(cyclic, ("period",), {"start": 0.1}),
    "one-cycle": Curve(one_cycle, ("total",), {"rise": 0.3, "start": 0.04, "end": 4e-6}),
    "warmup-stable-decay": Curve(
        warmup_stable_decay, ("total",), {"rise": 0.05, "decay": 0.2, "end": 0.0}
    ),
    "inverse-sqrt": Curve(inverse_sqrt, (), {"timescale": 10_000}),
}
"""All schedules that are functions of the step."""

PLATEAU = Curve(
    lambda t: 1.0,
    (),
    {"gamma": 0.1, "patience": 10, "end": 0.0, "every": 100, "watch": "train"},
)
"""Settings of the one schedule that depends on what is measured."""
