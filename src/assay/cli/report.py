"""`assay report [RUN]`: the report of an earlier run, made anew from its record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..configured import configured_checks
from ..journal.reader import read_run
from ..launch.errors import LaunchError
from ..launch.folder import RUNS
from ..launch.settings import read_settings
from ..report import make_report
from .options import lasting_names
from .page import open_page, write_page_as, write_page_into
from .watching import note_if_slow, write_as_json, write_as_sarif
from .words import Parser, check_names, level


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such run, or it can't be read.
    """
    parser = Parser(prog="assay report", description="Show the report of an earlier run.")
    add = parser.add_argument
    add("run", metavar="RUN", nargs="?",
        help="a run's id or its beginning, or its folder; the latest if not given")  # fmt: skip
    add("--run-dir", metavar="DIR", help="where records of runs are kept, if not .assay/runs")
    add("--json", metavar="FILE", help="also write the report as JSON; - is standard output")
    add("--sarif", metavar="FILE", help="also write the findings as SARIF, for code hosts")
    add("--html", metavar="FILE", help="also write the report as a page")
    add("--open", action="store_true", help="write the page into the run folder and open it")
    add("--fail-on", type=level, metavar="LEVEL", help="exit with status 1 on findings")
    add("--ignore", action="append", default=[], metavar="CHECK", help="leave a check out")
    add("--only", action="append", default=[], metavar="CHECK", help="run this check only")
    add("--quiet", action="store_true", help="print findings only")
    add("--verbose", action="store_true", help="list each check: that it judged, or why not")
    given = parser.read(words)
    lasting = read_settings()
    checks = configured_checks(lasting)
    names = [check.name for check in checks]
    ignore = check_names(given.ignore, "--ignore", names)
    only = check_names(given.only, "--only", names)
    kept_ignore, kept_only = lasting_names(lasting, names)
    if given.json == given.sarif == "-":
        raise LaunchError("--json and --sarif can't both go to standard output")
    if given.html in ("", "-"):
        raise LaunchError("--html needs the name of a file")
    folder = find_run(given.run, Path(given.run_dir) if given.run_dir else lasting.run_dir or RUNS)
    with note_if_slow():
        try:
            view = read_run(folder)
        except OSError as error:
            raise LaunchError(f"{folder}: can't be read: {error.strerror}") from None
        report = make_report(
            view,
            checks,
            ignore=[*ignore, *(name for name in kept_ignore if name not in only)],
            only=only or kept_only,
            folder=folder,
        )
    from ..report.terminal import show

    to_stdout = "-" not in (given.json, given.sarif)  # else that is what is piped on
    show(
        report,
        sys.stdout if to_stdout else sys.stderr,
        quiet=given.quiet or lasting.quiet,
        verbose=given.verbose,
    )
    status = write_as_json(report, given.json) if given.json is not None else None
    if given.sarif is not None:
        status = write_as_sarif(report, checks, given.sarif) or status
    if given.html is not None and not write_page_as(Path(given.html), report):
        status = 2
    if given.open:
        page = Path(given.html) if given.html is not None else write_page_into(folder, report)
        if page is None or not open_page(page):
            status = status or 2
    return status or int(report.fails(given.fail_on or lasting.fail_on))


def find_run(named: str | None, base: Path) -> Path:
    """Returns the folder of a run.

    Args:
        named: Its folder, its id or the beginning of its id; None for the latest.
        base: The folder of all runs.

    Raises:
        LaunchError: There is none, or more than one fits.
    """
    if named is not None and is_run(Path(named)):
        return Path(named)
    if named is None:
        return latest(base)
    runs = _runs(base)
    fitting = [path for path in runs if path.name == named]
    fitting = fitting or [path for path in runs if path.name.startswith(named)]
    if len(fitting) > 1:
        shown = ", ".join(path.name for path in fitting[-3:])
        raise LaunchError(f"{len(fitting)} runs begin with {named!r}, the latest are {shown}")
    if fitting:
        return fitting[0]
    if Path(named).is_dir():
        raise LaunchError(f"{named}: not the folder of a run: no run.json and no journal in it")
    raise LaunchError(f"no run {named!r} in {base}; there are {len(runs)}")


def latest(base: Path, but: int = 0) -> Path:
    """Returns the folder of the latest run, or of the one so many before it.

    Raises:
        LaunchError: There are not so many.
    """
    runs = _runs(base)
    if not runs:
        raise LaunchError(f"no run in {base}: make one with `assay check`, or name its folder")
    if len(runs) <= but:
        raise LaunchError(f"only one run in {base}: make another one, or name both")
    return runs[-1 - but]


def _runs(base: Path) -> list[Path]:
    """Returns the folders of all runs, the latest last."""
    try:
        return sorted((path for path in base.iterdir() if is_run(path)), key=lambda path: path.name)
    except OSError:
        return []


def is_run(path: Path) -> bool:
    """Whether a folder holds the record of a run."""
    try:
        return path.is_dir() and (
            (path / "run.json").exists() or next(path.glob("journal-*.jsonl"), None) is not None
        )
    except OSError:
        return False
