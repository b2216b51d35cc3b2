"""What `--twice` adds to a check: a second run of the unchanged script, and how it compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..journal.events import REPEATED
from ..journal.view import RunView
from ..launch.errors import LaunchError
from ..trials.child import Command
from ..trials.repeating import FOLDER, repeat
from .complaint import complain


def run_again(
    view: RunView,
    words: Sequence[str],
    folder: Path,
    settings: Mapping[str, object],
    *,
    python: str | None = None,
) -> None:
    """Runs the script a second time, and says in one line how the two runs compare.

    Args:
        view: The first run; gets what was found.
        words: The command.
        folder: Of the first run.
        settings: What the first run's child was told.
        python: The interpreter, if one was chosen.
    """
    from ..report.waiting import waiting

    try:
        with waiting("running the script a second time") as working:
            files = repeat(view, Command(tuple(words), python), folder, working, settings)
    except LaunchError as error:
        complain(f"--twice: {error}")
        return
    except KeyboardInterrupt:
        complain("--twice: interrupted; the report is that of the first run")
        return
    for path in files.lost:
        complain(f"--twice: {path} was changed by the second run and can't be put back")
    complain(f"--twice: {said_of_second_run(view, folder)}")


def said_of_second_run(view: RunView, folder: Path) -> str:
    """Returns how the second run compares, in one line."""
    event = next(view.events(REPEATED), None)
    if event is None:
        return view.skipped.get("repeated", "the second run left no record")
    if event.data["stage"] is None:
        return f"the second run is alike in all that was recorded of {event.data['steps']:,} steps"
    if event.data["stage"] == "length":
        return f"the two runs are alike for {event.data['steps']:,} steps; then one goes on"
    return f"the two runs part; all about it: assay diff {folder.name} {folder / FOLDER}"
