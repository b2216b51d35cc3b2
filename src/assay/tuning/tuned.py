"""What came of tuning: the points that were tried, the best, and what is proved of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..trials.metric import shown
from ..trials.plan import Candidate
from ..trials.verdict import Verdict
from .importances import Importances
from .metric import Metric
from .space import Dimension

if TYPE_CHECKING:
    from .study import Tried


@dataclass(slots=True)
class Tuned:
    """A study and its outcome.

    Attributes:
        folder: Of the study.
        space: What was searched.
        sampler, seed: How.
        others: What was made small beside the metric.
        metric: What was made small; empty until a run of the script was measured.
        control: The metric of the script as it is, on the seed of the search; nan if unknown.
        tried: All points, in the order in which they were asked for.
        best: The best point as a candidate; None if none is better than the script as it is.
        cautions: What to know before believing it.
        search_seconds: How long the search took.
        own_seconds: How long places for a run stood empty meanwhile, since tuning had to work.
        run_seconds: Of the runs of this process's points.
        importances: How much each dimension matters; None if that can't be said.
        repeat: With how many seeds each point was run.
    """

    folder: Path
    space: tuple[Dimension, ...] = ()
    sampler: str = "tpe"
    seed: int = 0
    others: tuple[Metric, ...] = ()
    metric: str = ""
    control: float = math.nan
    tried: list[Tried] = field(default_factory=list)
    best: Candidate | None = None
    cautions: list[str] = field(default_factory=list)
    search_seconds: float = 0.0
    own_seconds: float = 0.0
    run_seconds: float = 0.0
    importances: Importances | None = None
    repeat: int = 1

    @property
    def done(self) -> list[Tried]:
        """Points with a number, the best first; of equal ones the first tried."""
        known = [(t.value, t.number, t) for t in self.tried if t.value is not None]
        return [tried for *_, tried in sorted(known)]

    @property
    def pruned(self) -> list[Tried]:
        """Points without one."""
        return [tried for tried in self.tried if tried.state == "pruned"]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The kinds of all metrics, the first one first."""
        return (self.metric, *(metric.kind for metric in self.others))

    @property
    def front(self) -> list[Tried]:
        """Points that no other beats in one metric and equals in the rest; by the first metric."""
        return [a for a in self.done if not any(_beats(b.values, a.values) for b in self.done)]

    def shown(self, value: float, metric: int = 0) -> float:
        """Returns a value of a metric as people know it, what is made large with its own sign."""
        return shown(self.metrics[metric], value)

    @property
    def own_share(self) -> float:
        """What tuning itself took, by the time of its runs; nan without runs."""
        return self.own_seconds / self.run_seconds if self.run_seconds > 0 else math.nan

    @property
    def found(self) -> float:
        """By which share of the control the best point was better in the search."""
        if not self.done or not math.isfinite(self.control):
            return math.nan
        value = self.done[0].value
        assert value is not None
        return (self.control - value) / max(abs(self.control), 1e-30)

    def as_dict(self, verdict: Verdict | None) -> dict[str, Any]:
        """Returns what JSON holds of it.

        Args:
            verdict: On the best point.
        """
        effect = None if verdict is None else verdict.effect
        fresh = math.nan if effect is None else effect.share(effect.mean)
        return {
            "study": str(self.folder),
            "space": [str(dimension) for dimension in self.space],
            "sampler": self.sampler,
            "seed": self.seed,
            "metric": self.metric or None,
            "metrics": list(self.metrics) if self.metric else [],
            "front": [t.number for t in self.front] if self.others else None,
            "repeat": self.repeat,
            "control": self.shown(self.control) if math.isfinite(self.control) else None,
            "points": [
                {
                    "number": t.number,
                    "values": dict(t.point),
                    "state": t.state,
                    "value": None if t.value is None else self.shown(t.value),
                    "metrics": [self.shown(v, n) for n, v in enumerate(t.values)],
                    "why": t.why or None,
                    "own": t.own,
                    "folder": t.folder or None,
                }
                for t in self.tried
            ],
            "best": dict(self.done[0].point) if self.done else None,
            "found": self.found if math.isfinite(self.found) else None,
            "proved": fresh if math.isfinite(fresh) else None,
            "importances": None
            if self.importances is None
            else {
                "method": self.importances.method,
                "points": self.importances.points,
                "shares": {n: list(s) for n, s in self.importances.shares.items()},
            },
            "seconds": {
                "search": round(self.search_seconds, 3),
                "runs": round(self.run_seconds, 3),
                "tuning": round(self.own_seconds, 3),
            },
            "cautions": list(self.cautions),
        }


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether one is nowhere worse and somewhere better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
