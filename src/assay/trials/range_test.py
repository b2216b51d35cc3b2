"""A learning-rate range test: one short run of the script with growing rates, and what it says."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..journal.view import RunView, Training
from ..launch.errors import LaunchError
from ..launch.folder import create
from ..signals.sweep import Curve, curve, rate_by_sharpness, swept
from .child import Child, Command
from .files import PutBack, put_back
from .plan import CONTROL, Candidate, Job
from .result import Result
from .runner import sigterm_as_interrupt

SWEEPS = Path(".assay") / "sweeps"
STEPS = 200
"""How many rates, if nothing else is asked for."""
STEPS_AT_LEAST = 50
"""A shorter sweep has too few steps a decade; benchmarks/range_test.md used 200 and 100."""
APART = 10.0
"""Two suggestions that differ by more than this factor are told to disagree."""
POLL_S = 0.05

Working = Callable[[Child, int | None], None]
"""Is told, often, of the run in progress and of how many steps it may take."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a range test is asked to do.

    Attributes:
        low, high: The first and the last rate; None: chosen by the optimizer.
        steps: How many rates; None: 200, or as many as the script has steps.
        seconds: When the script is stopped.
        tricks: With which the script is swept.
    """

    low: float | None = None
    high: float | None = None
    steps: int | None = None
    seconds: float | None = None
    tricks: Candidate = CONTROL

    def told(self, steps: int | None = None) -> dict[str, Any]:
        """What the child is told."""
        wanted = {"low": self.low, "high": self.high, "steps": steps or self.steps}
        given = {key: value for key, value in wanted.items() if value is not None}
        return {"sweep": {"steps": STEPS, **given}, "comparable": False, "keep_files": True}


@dataclass(slots=True)
class RangeTest:
    """What came of it.

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
        if self.several > 1:
            return f"lr=x{rounded(self.suggestion / self.own)}"
        return f"lr={rounded(self.suggestion)}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is not known, or not finite, is null."""
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
    """A rate with two digits: more are not known."""
    return f"{rate:.2g}"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def range_test(
    command: Command, asked: Asked, label: str, base: Path | None, working: Working
) -> RangeTest:
    """Sweeps the rate of a script and reads what it says; kept in `range-test.json`.

    Args:
        command: The script.
        asked: How it is swept.
        label: For the folder.
        base: The folder of all sweeps; `.assay/sweeps` if not given.
        working: Is told of progress.

    Raises:
        KeyboardInterrupt: Ctrl-C; the script is ended first.
        LaunchError: It can't be started, or nothing can be written.
    """
    path = _folder(label, base)
    test = RangeTest(path, command.words, tricks=asked.tricks.tricks)
    result, view = _run(command, asked, path / "run", working, asked.steps, test.files)
    if _ended_early(result, view):
        if result.steps < STEPS_AT_LEAST or asked.steps is not None:
            test.unfit = True
            test.trouble = _too_short(result.steps, asked.steps)
        else:
            result, view = _run(command, asked, path / "again", working, result.steps, test.files)
    test.seconds = result.seconds
    if not test.trouble:
        _read(test, result, view)
    _keep(test)
    return test


def _folder(label: str, base: Path | None) -> Path:
    made = create(label, base=base or SWEEPS).path
    if base is None:
        ignore = made.parents[1] / ".gitignore"
        with contextlib.suppress(OSError):
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
    return made


def _run(
    command: Command,
    asked: Asked,
    path: Path,
    working: Working,
    steps: int | None,
    files: PutBack,
) -> tuple[Result, RunView]:
    job = Job(asked.tricks, 0, None, asked.seconds)
    child = Child(command, job, path, told=asked.told(steps))
    try:
        with sigterm_as_interrupt():
            while not child.ended():
                working(child, steps)
                time.sleep(POLL_S)
    except BaseException:
        child.kill()
        raise
    finally:
        back = put_back(path, Path.cwd())
        for known, now in ((files.restored, back.restored), (files.made, back.made),
                           (files.lost, back.lost)):  # fmt: skip
            known += [name for name in now if name not in known]
    return child.read()


def _ended_early(result: Result, view: RunView) -> bool:
    stopped = str(view.facts.get("stopped") or "")
    return result.state == "done" and not stopped.startswith("sweep:")


def _too_short(steps: int, asked: int | None) -> str:
    said = f"the script ended after {steps} step{'' if steps == 1 else 's'}"
    if steps < STEPS_AT_LEAST:
        return f"{said}, and a sweep needs at least {STEPS_AT_LEAST}"
    return f"{said}, and the sweep was to take {asked}: give --steps {steps}"


def _read(test: RangeTest, result: Result, view: RunView) -> None:
    """Judges a run that may have ended in any way."""
    began = next(view.events("sweep"), None)
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
    rates = [r for r in (test.by_curve, test.by_sharpness) if math.isfinite(r)]
    if math.isnan(test.by_curve):
        span = f"{found.rates[0]:.2g} and {found.rates[-1]:.2g}"
        test.trouble = f"the loss did not fall clearly at any rate between {span}"
        if test.stopped.startswith("the loss"):
            test.trouble += f"; begin lower, as in --from {test.low / 1000:.0e}"
        return
    test.suggestion = math.prod(rates) ** (1 / len(rates))
    if len(rates) > 1 and max(rates) > APART * min(rates):
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


def _keep(test: RangeTest) -> None:
    path = test.folder / "range-test.json"
    text = json.dumps(test.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"can't write {path}: {error.strerror}") from None
