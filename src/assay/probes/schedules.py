"""Probe: learning-rate schedulers: how each was built, how often it steps, and on what metric."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ..seams.callsite import user_site
from ..watching.probe import Probe
from .structure import plain

SCHEDULERS_AT_MOST = 64
METRICS_AT_MOST = 1000
"""Metrics written for one scheduler; a plateau of epochs has fewer."""
SPACING = 1.1
"""Without a metric a line is written when the count of steps has grown by a tenth."""

_NOT_SETTINGS = ("optimizer", "base_lrs", "last_epoch", "best", "num_bad_epochs")


class _Counted:
    """One scheduler: its steps so far, and when to write the next line."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.steps = self.metrics = self.written = 0
        self.next = 1.0


class Schedules(Probe):
    """Writes a `scheduler` line for each scheduler, and `scheduled` lines for its steps.

    `scheduler`: number, class, settings (plain numbers and words among its attributes), the number
    of its optimizer, and the user's line. `scheduled`: how often it has stepped by which step of
    its optimizer, and the metric that it was given, if that is a number on the CPU.
    """

    name = "schedules"
    always: ClassVar = ("scheduler_created", "scheduler_step")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._known: dict[int, _Counted] = {}

    def on_scheduler_created(self, scheduler: Any) -> None:
        """Writes down what it was built with."""
        number = self.watch.schedulers.of(scheduler)
        if len(self._known) >= SCHEDULERS_AT_MOST or number in self._known:
            return
        self._known[number] = _Counted(number)
        optimizer = getattr(scheduler, "optimizer", None)
        self.watch.line(
            "scheduler",
            n=number,
            cls=type(scheduler).__name__,
            built=None if optimizer is None else self.watch.optimizers.of(optimizer),
            site=user_site(2),
            settings={
                key: plain(value)
                for key, value in vars(scheduler).items()
                if not key.startswith("_") and key not in _NOT_SETTINGS and _is_plain(value)
            },
        )

    def on_scheduler_step(self, scheduler: Any, given: Any) -> None:
        """Counts one step; the first, and then ever fewer, are written."""
        known = self._known.get(self.watch.schedulers.of(scheduler))
        if known is None:
            return
        known.steps += 1
        metric = _number(given) if "num_bad_epochs" in vars(scheduler) else None
        if metric is not None and known.metrics < METRICS_AT_MOST:
            known.metrics += 1
        elif known.steps < known.next:
            return
        self._write(known, scheduler, metric)

    def finish(self) -> None:
        """Writes the last counts."""
        for known in self._known.values():
            if known.steps > known.written:
                self._write(known, None, None)

    def _write(self, known: _Counted, scheduler: Any, metric: float | None) -> None:
        known.written, known.next = known.steps, max(known.steps + 1, known.steps * SPACING)
        optimizer = getattr(scheduler, "optimizer", None)
        trainings = self.watch.trainings
        step = next((t.step for t in trainings if t.optimizer() is optimizer), 0)
        if scheduler is None:
            step = max((t.step for t in trainings), default=0)
        self.watch.line(
            "scheduled",
            n=known.number,
            s=step,
            count=known.steps,
            metric=metric,
            site=user_site(2) if known.steps == 1 else None,
        )


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) <= 16 and all(isinstance(item, (int, float, str)) for item in value)
    return isinstance(value, (int, float, bool, str))


def _number(given: Any) -> float | None:
    """Returns the metric as a number; on an accelerator, reading it would wait: None."""
    if isinstance(given, torch.Tensor) and not (given.is_cpu and given.numel() == 1):
        return None
    try:
        return float(given)
    except (TypeError, ValueError):
        return None
