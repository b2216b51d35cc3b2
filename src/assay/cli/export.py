"""`assay export RUN --to FORMAT`: a run's numbers for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..configured import configured_checks
from ..export import FORMATS, export, suggested
from ..journal.reader import read_run
from ..launch.errors import LaunchError
from ..launch.folder import RUNS
from ..launch.settings import read_settings
from ..report import make_report
from ..report.source import short_path
from .complaint import complain
from .report import find_run
from .watching import note_if_slow
from .words import Parser, did_you_mean


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such run or format, or it can't be written there.
    """
    parser = Parser(prog="assay export", description="Write a run's numbers for other programs.")
    add = parser.add_argument
    add("run", metavar="RUN", nargs="?",
        help="a run's id or its beginning, or its folder; the latest if not given")  # fmt: skip
    add("--to", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    add("--out", metavar="PATH",
        help="the file, for tensorboard the folder; - is standard output; "
        "RUN.csv and the like, tensorboard/RUN, if not given")  # fmt: skip
    add("--force", action="store_true", help="replace what is there")
    add("--run-dir", metavar="DIR", help="where records of runs are kept, if not .assay/runs")
    given = parser.read(words)
    to = chosen(given.to)
    lasting = read_settings()
    folder = find_run(given.run, Path(given.run_dir) if given.run_dir else lasting.run_dir or RUNS)
    with note_if_slow():
        try:
            view = read_run(folder)
        except (OSError, ValueError) as error:
            raise LaunchError(f"{folder}: can't be read: {error}") from None
        report = make_report(view, configured_checks(), folder=folder)
        target = suggested(report, to) if given.out is None else Path(given.out)
        export(report, to, None if given.out == "-" else target, force=given.force)
    if view.errors:
        more = f", and {len(view.errors) - 1} more" if len(view.errors) > 1 else ""
        complain(f"the record is not whole: {view.errors[0]}{more}; the rest is exported")
    if given.out != "-":
        hint = f"; tensorboard --logdir {target.parent}" if to == "tensorboard" else ""
        complain(f"wrote {short_path(str(target))}{hint}")
    return 0


def chosen(to: str | None) -> str:
    """Returns the format.

    Raises:
        LaunchError: None was named, or one that does not exist.
    """
    if to is None:
        raise LaunchError(f"--to names a format: {', '.join(FORMATS)}")
    if to not in FORMATS:
        hint = did_you_mean(to, FORMATS) or f"; there are {', '.join(FORMATS)}"
        raise LaunchError(f"--to: no format is called {to!r}{hint}")
    return to
