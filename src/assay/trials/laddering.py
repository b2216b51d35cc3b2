"""The extra run that climbs the ladder: the script once more."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..diagnosis.ladder import FOLDER
from .child import Child, Command
from .files import PutBack, put_back
from .plan import CONTROL, Job
from .runner import sigterm_as_interrupt

STEPS, SECONDS = 2000, 60.0
"""When the script is stopped, if it has not ended by then."""
CLIMB_S = 75.0
"""For the rungs, beyond that: they stop by themselves after 60 seconds."""
OPENING = 64
"""Iterations whose batches are stored, while there is room."""
POLL_S = 0.05


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
    working: Callable[[Child], None],
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
    path = run / FOLDER
    child = Child(command, Job(CONTROL, 0, None, length + CLIMB_S), path, told=told)
    try:
        with sigterm_as_interrupt():
            while not child.ended():
                working(child)
                time.sleep(POLL_S)
    except BaseException:
        child.kill()
        raise
    finally:
        files = put_back(path, Path.cwd())
    child.read()
    return files
