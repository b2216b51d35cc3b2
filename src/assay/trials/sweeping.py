"""Runs a learning-rate range test: the first steps of a script, with growing rates."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..journal.view import RunView
from ..launch.errors import LaunchError
from ..launch.folder import create
from .alone import run_alone
from .child import Child, Command
from .files import PutBack
from .plan import CONTROL, Candidate, Job
from .range_test import RangeTest, judge
from .result import Result

SWEEPS = Path(".assay") / "sweeps"
STEPS = 200
"""How many rates, if nothing else is asked for."""
STEPS_AT_LEAST = 50
"""Ours: with fewer than about eight steps a decade a slope is noise."""

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
        """Returns the child's settings."""
        wanted = {"low": self.low, "high": self.high, "steps": steps or self.steps}
        given = {key: value for key, value in wanted.items() if value is not None}
        return {"sweep": {"steps": STEPS, **given}, "comparable": False, "keep_files": True}


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
    test = RangeTest(path, command.words, tricks=asked.tricks.words)
    result, view = _run(command, asked, path / "run", working, asked.steps, test.files)
    if _ended_early(result, view):
        if result.steps < STEPS_AT_LEAST or asked.steps is not None:
            test.unfit = True
            test.trouble = _too_short(result.steps, asked.steps)
        else:
            result, view = _run(command, asked, path / "again", working, result.steps, test.files)
    test.seconds = result.seconds
    if not test.trouble:
        judge(test, result, view)
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
    return run_alone(child, lambda running: working(running, steps), files)


def _ended_early(result: Result, view: RunView) -> bool:
    stopped = str(view.facts.get("stopped") or "")
    return result.state == "done" and not stopped.startswith("sweep:")


def _too_short(steps: int, asked: int | None) -> str:
    said = f"the script ended after {steps} step{'' if steps == 1 else 's'}"
    if steps < STEPS_AT_LEAST:
        return f"{said}, and a sweep needs at least {STEPS_AT_LEAST}"
    return f"{said}, and the sweep was to take {asked}: give --steps {steps}"


def _keep(test: RangeTest) -> None:
    path = test.folder / "range-test.json"
    text = json.dumps(test.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"can't write {path}: {error.strerror}") from None
