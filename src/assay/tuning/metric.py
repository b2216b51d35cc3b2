"""What a search makes small, where the user says so: a kind by its name, or what is printed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..launch.errors import LaunchError
from ..trials.metric import HELD_OUT, HELD_OUT_ERROR, TRAINING, TRAINING_ERROR, Measured
from ..trials.result import Result

NAMED: Mapping[str, str] = {
    kind.replace(" ", "-"): kind for kind in (HELD_OUT, TRAINING, HELD_OUT_ERROR, TRAINING_ERROR)
}
PRINTED = "re:"
"""Before a regular expression."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that was asked for; lower is better.

    Attributes:
        text: As the user wrote it.
        pattern: With one group, the number; None for a kind by its name.
    """

    text: str
    pattern: re.Pattern[str] | None = None

    @classmethod
    def read(cls, text: str) -> Metric:
        """Reads `held-out-error` or `re:PATTERN`.

        Raises:
            LaunchError: It is neither.
        """
        if not text.startswith(PRINTED):
            if text not in NAMED:
                names = ", ".join(NAMED)
                raise LaunchError(f"--metric {text}: expected one of {names}, or re:PATTERN")
            return cls(text)
        try:
            pattern = re.compile(text.removeprefix(PRINTED), re.MULTILINE)
        except re.error as error:
            raise LaunchError(f"--metric {text}: no regular expression: {error}") from None
        if pattern.groups != 1:
            raise LaunchError(f"--metric {text}: expected one group, the number: re:loss ([0-9.]+)")
        return cls(text, pattern)

    @property
    def kind(self) -> str:
        """Its name among what was measured."""
        return self.text if self.pattern else f"{NAMED[self.text]}, as asked"

    def of(self, result: Result) -> Result:
        """Returns a result with this metric beside what else was measured, if it has it."""
        found = result.measured
        if self.pattern is None:
            value = found.values.get(NAMED[self.text], math.nan)
            curve = found.curves.get(NAMED[self.text], ())
        else:
            value, curve = self._printed(result), ()
        if math.isnan(value):
            return result
        curves = {**found.curves, **({self.kind: curve} if curve else {})}
        return replace(result, measured=Measured({**found.values, self.kind: value}, curves))

    def _printed(self, result: Result) -> float:
        """Returns the last number that the script printed; inf for one that is not finite."""
        assert self.pattern is not None
        if result.state == "failed":
            return math.inf
        try:
            text = (Path(result.folder) / "output.txt").read_text("utf-8", "replace")
            value = float(self.pattern.findall(text)[-1])
        except (OSError, ValueError, IndexError):
            return math.nan
        return value if math.isfinite(value) else math.inf

    def missing(self, result: Result) -> str:
        """Says why a run has it not."""
        if self.pattern is None:
            known = ", ".join(result.measured.values) or "nothing"
            return f"--metric {self.text}: it was never seen; measured were: {known}"
        return (
            f"--metric {self.text}: nothing that the script prints matches it, with a number as "
            f"its group; what it printed is in {Path(result.folder) / 'output.txt'}"
        )
