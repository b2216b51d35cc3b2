"""All series of a run in one order: what every format writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..journal.series import Series
from ..journal.signals import SIGNALS
from ..journal.view import RunView, Training

COLUMNS = ("training", "optimizer", "rank", "signal", "unit", "place", "step", "value")
"""Of a table with one number a row."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One series: of which training, which signal, where."""

    training: Training
    signal: str
    place: str
    series: Series

    @property
    def unit(self) -> str:
        """As it is declared; "" for a plain number and for a signal of another version."""
        declared = SIGNALS.get(self.signal)
        return declared.unit if declared else ""

    @property
    def description(self) -> str:
        """What a value means, and in which unit; "" for a signal of another version."""
        declared = SIGNALS.get(self.signal)
        if declared is None:
            return ""
        unit = f" Unit: {declared.unit}." if declared.unit else ""
        return f"{declared.title}: {declared.says}.{unit}"

    @property
    def tag(self) -> str:
        """`grad_norm/0.weight`; the signal alone where there is but one place."""
        return f"{self.signal}/{self.place}" if self.place else self.signal


def measured(training: Training) -> Iterator[Measured]:
    """Yields all series of one training; a rate stands at the steps at which it changed."""
    for signal, places in training.signals.items():
        for place, series in places.items():
            if len(series):
                yield Measured(training, signal, place, series)


def everything(view: RunView) -> Iterator[Measured]:
    """Yields all series of all trainings of a run."""
    for training in view.trainings:
        yield from measured(training)
