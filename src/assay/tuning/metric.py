"""What a search makes small, or large, where the user says so."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..journal.reader import read_run
from ..journal.signals import SIGNALS
from ..launch.errors import LaunchError
from ..trials.metric import (
    HELD_OUT,
    HELD_OUT_ERROR,
    HIGHER,
    TRAINING,
    TRAINING_ERROR,
    Measured,
    final,
    main_training,
)
from ..trials.result import Result

NAMED: Mapping[str, str] = {
    kind.replace(" ", "-"): kind for kind in (HELD_OUT, TRAINING, HELD_OUT_ERROR, TRAINING_ERROR)
}
COSTS: Mapping[str, str] = {"time": "seconds of a run", "size": "trainable numbers"}
LOSS = "loss"
"""The loss that is known, as where nothing is asked for."""
PRINTED, SIGNAL, LARGE = "re:", "signal:", "max:"
"""Before a regular expression, before the name of a signal, and before what is made large."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that was asked for.

    Attributes:
        text: As the user wrote it.
        form: Where it comes from.
        what: The kind, the pattern with one group, or the signal and its place.
        higher: Higher is better.
    """

    text: str
    form: Literal["named", "printed", "signal", "cost"]
    what: str
    higher: bool = False

    @classmethod
    def read(cls, text: str) -> Metric | None:
        """Reads `held-out-error`, `max:re:PATTERN`, `signal:NAME`, `time` or `size`.

        Returns:
            None for `loss`, the loss that is known.

        Raises:
            LaunchError: It is none of them.
        """
        said, higher = f"--metric {text}", text.startswith(LARGE)
        plain = text.removeprefix(LARGE)
        if plain == LOSS and not higher:
            return None
        if plain in NAMED:
            return cls(text, "named", NAMED[plain], higher)
        if plain in COSTS:
            return cls(text, "cost", COSTS[plain], higher)
        if plain.startswith(SIGNAL):
            name = plain.removeprefix(SIGNAL).partition(":")[0]
            if name not in SIGNALS:
                raise LaunchError(f"{said}: there is no signal {name!r}: assay export has them all")
            return cls(text, "signal", plain.removeprefix(SIGNAL), higher)
        if not plain.startswith(PRINTED):
            names = ", ".join([LOSS, *NAMED, *COSTS])
            raise LaunchError(
                f"{said}: expected one of {names}, signal:NAME, or re:PATTERN; max: before it "
                "makes it large"
            )
        try:
            pattern = re.compile(plain.removeprefix(PRINTED), re.MULTILINE)
        except re.error as error:
            raise LaunchError(f"{said}: no regular expression: {error}") from None
        if pattern.groups != 1:
            raise LaunchError(f"{said}: expected one group, the number: re:loss ([0-9.]+)")
        return cls(text, "printed", pattern.pattern, higher)

    @property
    def kind(self) -> str:
        """Its name among what was measured."""
        names = {"named": f"{self.what}, as asked", "cost": self.what}
        name = names.get(self.form, self.text.removeprefix(LARGE))
        return name + (HIGHER if self.higher else "")

    def of(self, result: Result) -> Result:
        """Returns a result with this metric beside what else was measured, if it has it."""
        found, value = result.measured, self.value(result)
        curve = found.curves.get(self.what, ())
        if math.isnan(value):
            return result
        curves = {**found.curves, **({self.kind: curve} if curve and not self.higher else {})}
        return replace(result, measured=Measured({**found.values, self.kind: value}, curves))

    def value(self, result: Result) -> float:
        """Returns it, lower is better; inf for a run that came to nothing, nan if unknown."""
        if self.form == "cost":
            value = result.seconds if self.what == COSTS["time"] else _size(result)
        elif self.form == "named":
            value = result.measured.values.get(self.what, math.nan)
        elif result.state == "failed":
            return math.inf
        else:
            value = self._printed(result) if self.form == "printed" else self._recorded(result)
        if math.isnan(value):
            return math.nan
        return (-value if self.higher else value) if math.isfinite(value) else math.inf

    def _printed(self, result: Result) -> float:
        """Returns the last number that the script printed; inf for one that is not finite."""
        try:
            text = (Path(result.folder) / "output.txt").read_text("utf-8", "replace")
            value = float(re.compile(self.what, re.MULTILINE).findall(text)[-1])
        except (OSError, ValueError, IndexError):
            return math.nan
        return value if math.isfinite(value) else math.inf

    def _recorded(self, result: Result) -> float:
        """Returns the mean of a signal over the last tenth of the steps, or its last value."""
        training = main_training(read_run(Path(result.folder)))
        name, _, place = self.what.partition(":")
        if training is None:
            return math.nan
        places = training.places(name)
        if not place and len(places) == 1:
            place = places[0]
        return final(training.series(name, place), training.steps)

    def missing(self, result: Result) -> str:
        """Says why a run has it not."""
        said = f"--metric {self.text}"
        if self.form == "printed":
            return (
                f"{said}: nothing that the script prints matches it, with a number as "
                f"its group; what it printed is in {Path(result.folder) / 'output.txt'}"
            )
        if self.form == "signal":
            training = main_training(read_run(Path(result.folder)))
            name = self.what.partition(":")[0]
            places = [] if training is None else [p for p in training.places(name) if p]
            if places:
                return f"{said}: say where, signal:{name}:PLACE, one of: {', '.join(places)}"
        known = ", ".join(result.measured.values) or "nothing"
        return f"{said}: it was never seen; measured were: {known}"


def read_metrics(texts: Sequence[str]) -> tuple[Metric | None, tuple[Metric, ...]]:
    """Reads all that were asked for: the first, None for the loss that is known, and the others.

    Raises:
        LaunchError: One can't be understood, or is given twice.
    """
    found = [Metric.read(text) for text in texts or (LOSS,)]
    others = tuple(metric for metric in found[1:] if metric is not None)
    if len(others) < len(found) - 1:
        raise LaunchError(f"--metric {LOSS}: it comes first where there are several")
    for number, metric in enumerate(found):
        if metric in found[:number]:
            raise LaunchError(f"--metric {texts[number]}: given twice")
    return found[0], others


def higher(texts: Sequence[str]) -> tuple[bool, ...]:
    """Returns of each metric whether higher is better."""
    return tuple(text.startswith(LARGE) for text in texts or (LOSS,))


def _size(result: Result) -> float:
    """Returns how many numbers of the first process's models are trained."""
    sizes = [p.elements for p in read_run(Path(result.folder)).parameters if p.trainable]
    return float(sum(sizes)) if sizes else math.nan
