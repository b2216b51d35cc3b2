"""What a check needs of a training before it can judge it: data that say what is missing."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..journal.signals import SIGNALS
from ..journal.view import RunView, Training
from ..signals.constant import constant_loss, drift
from ..signals.jumps import jumps
from ..signals.objective import alone, leads, only_loss, warming_up, why_not_only

if TYPE_CHECKING:
    from .base import Check


class Requirement(Protocol):
    """One thing that a training must have."""

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Returns what is missing, with its figures; None if it is there."""

    def lacking(self, check: Check) -> str:
        """Returns what is said of any training that lacks it, in a clause for the check's page."""


@dataclass(frozen=True, slots=True)
class Steps:
    """As many steps as the check's limit of this name says."""

    limit: str = "steps"

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Compares the number of steps with the limit."""
        return too_few(training.steps, check.limit(self.limit), "steps")

    def lacking(self, check: Check) -> str:
        """Names the limit."""
        return f"it took fewer than {check.limit(self.limit):,.0f} steps"


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one of some signals at one place, as many as the check's limit says.

    Attributes:
        signals: Names of signals; one that has enough is enough.
        limit: Name of the check's limit.
        finite: Count finite values only.
        since: Count from this step on.
        until: Count to this step, without it.
    """

    signals: tuple[str, ...]
    limit: str = "samples"
    finite: bool = True
    since: int = 0
    until: int | None = None

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Counts the samples of the best sampled place."""
        counts = (
            self._count(training, signal, place)
            for signal in self.signals
            for place in training.places(signal)
        )
        most = max(counts, default=0)
        return too_few(most, check.limit(self.limit), f"samples of {self._names}")

    def lacking(self, check: Check) -> str:
        """Names the signals and the limit."""
        return f"it has fewer than {check.limit(self.limit):,.0f} samples of {self._names}"

    @property
    def _names(self) -> str:
        names = " or ".join(dict.fromkeys(SIGNALS[signal].title for signal in self.signals))
        return f'"{names}"'

    def _count(self, training: Training, signal: str, place: str) -> int:
        series = training.series(signal, place)
        if self.since or self.until is not None:
            series = series.between(self.since, sys.maxsize if self.until is None else self.until)
        if self.finite:
            return len(series.finite())
        return sum(value == value for value in series.values)


@dataclass(frozen=True, slots=True)
class OneOptimizer:
    """No other optimizer of the process steps, so the loss is this one's."""

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Counts the optimizers of the training's process."""
        if alone(run, training):
            return None
        count = sum(t.process == training.process and t.steps > 0 for t in run.trainings)
        return f"{count} optimizers stepped in this process: whose loss it is can't be told"

    def lacking(self, check: Check) -> str:
        """Says that it is not alone."""
        return "another optimizer of its process steps beside it"


class OneObjective(OneOptimizer):
    """As `OneOptimizer`; or all optimizers step on the same losses, and this one is the first."""

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Counts the optimizers, where not all of them minimise the same."""
        return None if leads(run, training) else super().missing(check, run, training)

    def lacking(self, check: Check) -> str:
        """Says that it is not alone, or that another one stands for it."""
        return "another optimizer steps beside it"


@dataclass(frozen=True, slots=True)
class ConstantLoss:
    """The loss of a constant prediction is known, and is a measure of the training's loss.

    Attributes:
        unless_broken: A loss that ends NaN or infinite needs none.
    """

    unless_broken: bool = False

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Says why the loss of a constant prediction is not known."""
        if self.unless_broken and ends_broken(training):
            return None
        call = only_loss(run, training)
        if call is None:
            return why_not_only(run, training)
        if constant_loss(training, call) is not None:
            return None
        place = call.data["place"]
        if moved := drift(training, place):
            return (
                f"the targets of {place} drift: their mean went from {moved[0]:.3g} to "
                f"{moved[1]:.3g}, by more than their spread of {moved[2]:.3g}"
            )
        return f"the loss of a constant prediction is not known for {place}"

    def lacking(self, check: Check) -> str:
        """Says what is not known."""
        but = ", and it did not end NaN or infinite" if self.unless_broken else ""
        return f"the loss of a constant prediction is not known{but}"


@dataclass(frozen=True, slots=True)
class UnlessRaised:
    """Another requirement, but for a rate that was raised in mid-run: before and after compare."""

    other: Requirement

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Asks the other one, where the rate made no jump."""
        if any(True for _ in jumps(training)):
            return None
        return self.other.missing(check, run, training)

    def lacking(self, check: Check) -> str:
        """Says what the other one lacks."""
        return f"{self.other.lacking(check)}, nor was its rate raised in mid-run"


@dataclass(frozen=True, slots=True)
class RateAtItsHeight:
    """The learning rate is no longer warming up."""

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Says that the rate still rose at the end of what was seen."""
        return "the learning rate was still warming up" if warming_up(training) else None

    def lacking(self, check: Check) -> str:
        """Says the same."""
        return "its rate was still warming up at the end"


@dataclass(frozen=True, slots=True)
class That:
    """A requirement of one check's own: a function that says what a training lacks.

    Its docstring says that of any training, for the check's page: "Says that ...".
    """

    says: Callable[[Check, RunView, Training], str | None]

    def missing(self, check: Check, run: RunView, training: Training) -> str | None:
        """Asks the function."""
        return self.says(check, run, training)

    def lacking(self, check: Check) -> str:
        """Reads the function's docstring."""
        said = " ".join((self.says.__doc__ or "").partition("\n\n")[0].split())
        return said.removeprefix("Says that ").removesuffix(".")


def too_few(seen: float, wanted: float, what: str) -> str | None:
    """Returns `32 of the 150 steps that it needs`; None if that is enough."""
    return None if seen >= wanted else f"{seen:,.0f} of the {wanted:,.0f} {what} that it needs"


def ends_broken(training: Training) -> bool:
    """Whether the last tenth of the losses holds one that is not finite."""
    values = training.series("loss").values
    return not all(map(math.isfinite, values[-max(len(values) // 10, 1) :]))
