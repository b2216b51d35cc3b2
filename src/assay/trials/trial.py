"""One trial: its runs, its verdicts, and what they have cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks.base import Check
from ..checks.registry import CHECKS
from ..diagnosis import Diagnosis
from ..journal.view import RunView
from .change import Change
from .plan import CONTROL, Candidate
from .result import Result
from .verdict import Verdict

if TYPE_CHECKING:
    from .settled import Settled


@dataclass(slots=True)
class Trial:
    """One experiment and what came of it.

    Attributes:
        id, folder: Where its runs lie.
        results: Of every run, by candidate name ("control" too) and seed.
        verdicts: The proved first, by effect.
        change: The first verdict's remedy in the user's own files; None unless it is proved.
        settled: The causes that the first verdict proves; None if it proves none.
        diagnosis, view: Of the control's first run; None if it was not needed.
        trouble: Why there was nothing to compare; empty if there was.
        interrupted: Ended early by the user, or by `--minutes`.
        runs, resumed: How many runs were made, and how many known from before.
        run_seconds, seconds: Time of all runs together, and on the clock.
        steps: Optimizer steps that each run was given; None for the whole script.
        checks: What its runs are reviewed with.
        page: Where its page has been written; None if it has not.
    """

    id: str
    folder: Path
    command: tuple[str, ...]
    results: dict[str, dict[int, Result]] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    change: Change | None = None
    settled: Settled | None = None
    diagnosis: Diagnosis | None = None
    view: RunView | None = None
    trouble: str = ""
    interrupted: str = ""
    runs: int = 0
    resumed: int = 0
    run_seconds: float = 0.0
    seconds: float = 0.0
    steps: int | None = None
    checks: tuple[Check, ...] = CHECKS
    page: Path | None = None

    @property
    def control(self) -> dict[int, Result]:
        """The control's runs by seed."""
        return self.results.get(CONTROL.name, {})

    def cost(self) -> dict[str, Any]:
        """Returns what finding out has cost."""
        return {
            "runs": self.runs,
            "resumed": self.resumed,
            "run_seconds": round(self.run_seconds, 1),
            "seconds": round(self.seconds, 1),
        }
