"""A learning rate that is raised in mid-run, and what the loss was before and after."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median

from ..journal.events import RATE_CHANGED
from ..journal.series import Series
from ..journal.view import RunView, Site, Training
from .trend import noise

FACTOR = 2.0
"""Times the highest rate before: what goes up by less is a schedule's own."""

BEFORE = 8
"""Losses from which the usual one before a jump is known."""

AT_ONCE = 32
"""Losses after a jump in which it must show."""


@dataclass(frozen=True, slots=True)
class Jump:
    """From one step to the next the rate rose above all before it.

    `losses` are those from the jump to the next one, or the end; `usual` is the median of the last
    losses before it, `noise` their deviation from one to the next, `first` the mean of the first.
    """

    step: int
    before: float
    after: float
    losses: Series
    usual: float
    noise: float
    first: float

    @property
    def broken(self) -> bool:
        """Whether the last tenth of the losses after it holds one that is not finite."""
        values = self.losses.values
        return not all(map(math.isfinite, values[-max(len(values) // 10, 1) :]))

    @property
    def end(self) -> float:
        """The mean of the last quarter of the losses after it."""
        if self.broken:
            return math.nan
        values = self.losses.finite().values
        return fmean(values[-max(len(values) // 4, 1) :])

    @property
    def undone(self) -> float:
        """What of the loss's fall before the jump is lost for good: 1 is all of it.

        inf where nothing had been learnt and the loss is much higher than ever before.
        """
        if self.broken:
            return math.inf
        learnt, lost = self.first - self.usual, self.end - self.usual
        if not lost > 2 * self.noise:
            return 0.0
        if learnt > self.noise:
            return lost / learnt
        return math.inf if lost > abs(self.first) else 0.0

    @property
    def times(self) -> float:
        """How many times the usual loss those after it are, at once and at the end; nan if unknown.

        A median at once and the mean of the last quarter: the lower of the two counts.
        """
        at_once = self.losses.finite().values[:AT_ONCE]
        return min(median(at_once), self.end) / self.usual if self.usual > 0 else math.nan


def jumps(training: Training) -> Iterator[Jump]:
    """Yields the jumps of a training's rates that come after its first steps, in order."""
    losses, raised = training.series("loss"), list(_raised(training))
    ends = [*(step for step, *_ in raised[1:]), training.steps]
    for (step, before, after), until in zip(raised, ends, strict=False):
        earlier = [v for v in losses.between(0, step).values if math.isfinite(v)]
        later = losses.between(step + 1, until)  # the loss of a step is that before it
        if len(earlier) < BEFORE or len(later) < BEFORE:
            continue
        recent = earlier[-max(BEFORE, len(earlier) // 10) :]
        first = fmean(earlier[: max(len(earlier) // 10, 1)])
        yield Jump(step, before, after, later, median(recent), noise(recent), first)


def _raised(training: Training) -> Iterator[tuple[int, float, float]]:
    """Yields the steps at which the highest rate rose above all before, with both rates."""
    rates: dict[int, float] = {}
    for place in training.places("learning_rate"):
        for step, rate in training.series("learning_rate", place).finite():
            rates[step] = max(rate, rates.get(step, 0.0))
    top = last = 0.0
    for step, rate in sorted(rates.items()):
        if top > 0 and rate >= FACTOR * top:
            yield step, last, rate
        top, last = max(top, rate), rate


def what_raised(run: RunView, training: Training, step: int) -> tuple[str, Site | None]:
    """Returns what raised the rate at a step, in words, and its line."""
    for event in run.events(RATE_CHANGED):
        if event.training == training.index and event.step == step:
            said = {"scheduler": "by a scheduler", "load_state": "with the state that was loaded"}
            return said.get(event.data["by"], "by hand"), Site.read(event.data["line"])
    return "", None
