"""What every process must know of a search that is under way, to run its points as the first."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from ..launch.errors import LaunchError
from ..trials.result import Result


@dataclass(frozen=True, slots=True)
class Terms:
    """How points are run, and what they are compared with.

    Attributes:
        metric: What is made small.
        control: The metric of the script as it is; nan if it has none.
        broken: Exact findings of the script as it is, which are held against no point.
        length: Steps that it took.
        seconds: How long it took.
        steps: Steps of each run; None for the whole script.
        limit: Seconds that a run may take; None for no limit.
        runs: How many points there are to be.
        seeds: With how many seeds each is run.
        sources: Hash of each of the user's own files that it loaded.
    """

    metric: str
    control: float
    broken: tuple[str, ...]
    length: int
    seconds: float
    steps: int | None
    limit: float | None
    runs: int
    seeds: int
    sources: Mapping[str, str]

    @classmethod
    def of(
        cls,
        controls: Sequence[Result],
        metric: str,
        steps: int | None,
        limit: float | None,
        runs: int,
    ) -> Terms:
        """Returns those of a search.

        Args:
            controls: The runs of the script as it is, one a seed.
            metric: The kind that is made small.
            steps: Of each run.
            limit: Seconds that a run may take.
            runs: How many points there are to be.
        """
        first = controls[0]
        value = fmean(control.measured.values.get(metric, math.inf) for control in controls)
        broken = tuple(dict.fromkeys(check for c in controls for check in c.broken))
        return cls(metric, value, broken, first.steps, first.seconds, steps, limit, runs,
                   len(controls), first.sources)  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Returns them as JSON has them."""
        return {**asdict(self), "control": self.control if math.isfinite(self.control) else None}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Terms:
        """Reads what `as_dict` gave.

        Raises:
            LaunchError: Another version of assay wrote it.
        """
        with contextlib.suppress(KeyError, TypeError, ValueError):
            control = math.inf if told["control"] is None else float(told["control"])
            return cls(**{**told, "control": control, "broken": tuple(told["broken"])})
        raise LaunchError("the study was begun by another version of assay: begin a new one")
