"""What `--deep` adds to a check: extra runs of the script that look closer than one run can."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..launch.errors import LaunchError
from ..trials.child import Command
from ..trials.laddering import run_ladder
from .complaint import complain


def deepen(
    words: Sequence[str],
    folder: Path,
    *,
    python: str | None = None,
    steps: int | None = None,
    seconds: float | None = None,
) -> None:
    """Runs the script once more; what comes of it lies in the run's folder, for its report.

    Args:
        words: The command.
        folder: Of the run that is to be explained.
        python: The interpreter, if one was chosen.
        steps: When that run was stopped, if it was.
        seconds: The same.
    """
    from ..report.waiting import waiting

    try:
        with waiting("climbing the ladder in one more run, two minutes at most") as working:
            files = run_ladder(Command(tuple(words), python), folder, working,
                               steps=steps, seconds=seconds)  # fmt: skip
    except LaunchError as error:
        complain(f"--deep: {error}")
        return
    except KeyboardInterrupt:
        complain("--deep: interrupted; the report is that of the first run")
        return
    for path in files.lost:
        complain(f"--deep: {path} was changed by the extra run and can't be put back")
