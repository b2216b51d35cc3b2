"""What `--deep` adds to a check: extra runs of the script that look closer than one run can."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..journal.view import RunView
from ..launch.errors import LaunchError
from ..trials.child import Command
from ..trials.files import PutBack
from ..trials.laddering import run_ladder
from ..trials.retracing import AS_CHECKED, is_told, several, target, trace
from .complaint import complain


def deepen(
    view: RunView,
    words: Sequence[str],
    folder: Path,
    *,
    python: str | None = None,
    steps: int | None = None,
    seconds: float | None = None,
) -> None:
    """Runs the script once more; what comes of it lies in the run's folder, for its report.

    Where a loss was not finite, the step is traced at which that began, unless the run itself has
    done so; the ladder is climbed where that names no operation.

    Args:
        view: The run that is to be explained; gets what the trace has found.
        words: The command.
        folder: Of the run that is to be explained.
        python: The interpreter, if one was chosen.
        steps: When that run was stopped, if it was.
        seconds: The same.
    """
    from ..report.waiting import waiting

    if not view.observed and not view.facts.get("processes"):
        return  # the report says why nothing was seen
    command = Command(tuple(words), python)
    try:
        if target(view):
            with waiting("tracing the step that broke in one more run") as tracing:
                traced = trace(view, command, folder, tracing, AS_CHECKED)
            _say_lost(traced.files)
            if traced.found:
                return
        if is_told(view):
            complain("--deep: no further run: the first one shows which operation broke the loss")
            return
        if several(view):
            complain("--deep: no ladder: several processes train, and it computes with one alone")
            return
        with waiting("climbing the ladder in one more run, two minutes at most") as working:
            files = run_ladder(command, folder, working,
                               steps=steps, seconds=seconds)  # fmt: skip
    except LaunchError as error:
        complain(f"--deep: {error}")
        return
    except KeyboardInterrupt:
        complain("--deep: interrupted; the report is that of the first run")
        return
    _say_lost(files)


def _say_lost(files: PutBack) -> None:
    for path in files.lost:
        complain(f"--deep: {path} was changed by the extra run and can't be put back")
