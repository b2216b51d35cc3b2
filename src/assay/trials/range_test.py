"""What came of a range test: the rate that curve and sharpness point to, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..journal.events import SWEEP
from ..journal.view import RunView, Training
from ..signals.sweep import Curve, curve, rate_by_sharpness, swept
from .files import PutBack
from .result import Result

APART = 10.0
"""Two suggestions that differ by more than this factor are told to disagree."""


@dataclass(slots=True)
class RangeTest:
    """The result of a range test.

    Attributes:
        trouble: Why there is no curve; empty if there is one.
        unfit: The script, or what was asked, is at fault: no trial of it can succeed.
        own: The script's own rate.
        by_curve, by_sharpness, suggestion: Rates; nan where unknown.
        sharpness: (largest eigenvalue of the preconditioned Hessian, step at which measured).
        no_sharpness: Why there is none.
        cautions: What to know before believing it.
        files: What the script did to files while it was swept.
    """

    folder: Path
    command: tuple[str, ...]
    trouble: str = ""
    unfit: bool = False
    optimizer: str = ""
    own: float = math.nan
    low: float = math.nan
    high: float = math.nan
    steps: int = 0
    seconds: float = 0.0
    stopped: str = ""
    curve: Curve | None = None
    by_curve: float = math.nan
    by_sharpness: float = math.nan
    suggestion: float = math.nan
    sharpness: tuple[float, int] | None = None
    no_sharpness: str = ""
    several: int = 1
    tricks: tuple[str, ...] = ()
    cautions: list[str] = field(default_factory=list)
    files: PutBack = field(default_factory=PutBack)

    @property
    def trick(self) -> str:
        """The suggestion as `--with` takes it: a factor where several optimizers share it."""
        if self.several > 1 and self.own > 0:
            return f"lr=x{rounded(self.suggestion / self.own)}"
        return f"lr={rounded(self.suggestion)}"

    def as_dict(self) -> dict[str, Any]:
        """Returns it for JSON; what is not known, or not finite, is null."""
        found = self.curve
        return {
            "schema": 1,
            "assay": __version__,
            "folder": str(self.folder),
            "command": list(self.command),
            "tricks": list(self.tricks),
            "trouble": self.trouble or None,
            "optimizer": self.optimizer or None,
            "own_rate": _known(self.own),
            "low": _known(self.low),
            "high": _known(self.high),
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "stopped": self.stopped or None,
            "suggestion": _known(self.suggestion),
            "trick": self.trick if math.isfinite(self.suggestion) else None,
            "by_curve": {
                "rate": _known(self.by_curve),
                "steepest": _known(found.steepest if found else math.nan),
                "lowest": _known(found.lowest if found else math.nan),
            },
            "by_sharpness": {
                "rate": _known(self.by_sharpness),
                "sharpness": self.sharpness[0] if self.sharpness else None,
                "step": self.sharpness[1] if self.sharpness else None,
                "unknown_because": self.no_sharpness or None,
            },
            "cautions": list(self.cautions),
            "files": asdict(self.files),
            "curve": {
                "rate": list(found.rates) if found else [],
                "loss": list(found.losses) if found else [],
                "smooth": list(found.smooth) if found else [],
            },
        }


def rounded(rate: float) -> str:
    """Rounds a rate to two digits: more are not known."""
    return f"{rate:.2g}"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def judge(test: RangeTest, result: Result, view: RunView) -> None:
    """Judges a run that may have ended in any way."""
    began = next(view.events(SWEEP), None)
    first = [t for t in view.trainings if t.rank == 0]
    training = next((t for t in first if t.steps and t.places("learning_rate")), None)
    if result.state == "refused":
        test.unfit, test.trouble = True, f"trick {result.why}"
        return
    if began is None or training is None:
        test.unfit = result.state in ("unseen", "done")
        nothing = "no optimizer of torch took a step, so there is no rate to sweep"
        test.trouble = nothing if test.unfit else result.why
        return
    facts = began.data
    test.optimizer, test.steps = training.optimizer, training.steps
    test.own, test.low, test.high = (float(facts[key]) for key in ("own", "low", "high"))
    test.stopped = str(view.facts.get("stopped") or "").removeprefix("sweep: ")
    test.several = sum(1 for other in first if other.steps)
    if result.state != "done":
        test.cautions.append(result.why)
    points = swept(training)
    test.curve = found = curve(points)
    if found is None:
        test.trouble = _no_curve(test, result, points)
        return
    _suggest(test, found, training, view)


def _no_curve(test: RangeTest, result: Result, points: Sequence[tuple[float, float]]) -> str:
    if result.state != "done":
        return result.why
    if not points:
        return "no loss was seen: the script calls no backward() on a single number"
    return (
        f"the loss exploded after {test.steps} steps, at a rate of {points[-1][0]:.2g}: "
        f"begin lower, as in --from {test.low / 1000:.0e}"
    )


def _suggest(test: RangeTest, found: Curve, training: Training, view: RunView) -> None:
    if math.isfinite(found.steepest):
        test.by_curve = found.suggestion
    measured = rate_by_sharpness(training)
    if measured is not None:
        test.by_sharpness, value, step = measured
        test.sharpness = value, step
    else:
        test.no_sharpness = view.skipped.get("sharpness", "it was not measured")
    if math.isnan(test.by_curve):
        span = f"{found.rates[0]:.2g} and {found.rates[-1]:.2g}"
        test.trouble = f"the loss did not fall clearly at any rate between {span}"
        if test.stopped.startswith("the loss"):
            test.trouble += f"; begin lower, as in --from {test.low / 1000:.0e}"
        return
    # three rates, none better than the others: benchmarks/range_test.md
    marks = [found.steepest, found.lowest, test.by_sharpness]
    rates = [rate for rate in marks if math.isfinite(rate)]
    test.suggestion = math.prod(rates) ** (1 / len(rates))
    apart = test.by_curve / test.by_sharpness
    if not 1 / APART < apart < APART and math.isfinite(apart):
        test.cautions.append("curve and sharpness disagree: compare both by a trial")
    if found.still_falling and not test.stopped.startswith("the loss"):
        test.cautions.append(
            "the loss still fell at the highest rate: "
            f"sweep further, as in --to {test.high * 100:.0e}"
        )
    if test.several > 1:
        test.cautions.append(
            f"{test.several} optimizers were swept in proportion to their own rates, by the loss "
            f"of the first, {training.optimizer}; where they work against each other, as in a "
            "GAN, that loss says little"
        )
