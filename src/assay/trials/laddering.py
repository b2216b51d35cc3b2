"""The extra run that climbs the ladder: the script once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..diagnosis.ladder import FOLDER
from .alone import Working, run_alone
from .child import Child, Command
from .files import PutBack
from .plan import CONTROL, Job

STEPS, SECONDS = 2000, 60.0
"""When the script is stopped, if it has not ended by then."""
CLIMB_S = 75.0
"""For the rungs, beyond that: they stop by themselves after 60 seconds."""
OPENING = 64
"""Iterations whose batches are stored, while there is room."""


def settings(steps: int | None = None, seconds: float | None = None) -> dict[str, Any]:
    """Returns what a child that climbs is told.

    Args:
        steps: When the first run was stopped, if it was.
        seconds: The same.
    """
    return {
        "ladder": True, "opening": OPENING, "steps": min(steps or STEPS, STEPS),
        "seconds": min(seconds or SECONDS, SECONDS), "seed_offset": None, "comparable": False,
        "keep_files": True,
    }  # fmt: skip


def run_ladder(
    command: Command,
    run: Path,
    working: Working,
    *,
    steps: int | None = None,
    seconds: float | None = None,
) -> PutBack:
    """Runs the script once more and climbs; the record is in `ladder` in the run's folder.

    Args:
        command: The script.
        run: The folder of the run that is to be explained.
        working: Is told, often, of the run in progress.
        steps: When the first run was stopped, if it was.
        seconds: The same.

    Returns:
        What the extra run did to files; they are as before again.

    Raises:
        KeyboardInterrupt: Ctrl-C; the script is ended first.
        LaunchError: It can't be started.
    """
    told = settings(steps, seconds)
    length = float(told["seconds"])
    files = PutBack()
    child = Child(command, Job(CONTROL, 0, None, length + CLIMB_S), run / FOLDER, told=told)
    run_alone(child, working, files)
    return files
