"""Runs a script under assay and reports on it: what `check`, `run` and `demo` have in common."""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from ..checks.base import Check
from ..launch import supervisor
from ..observe import Observed, observe
from ..report import Report, make_report
from .complaint import complain
from .deepening import deepen
from .misplaced import reads_no_arguments
from .options import Options
from .page import write_page_into
from .repeating import run_again
from .standing import tell_if_still

BEHIND = "what stands behind the script belongs to the script"

PATIENCE_S = 2.0
"""After so long without a word, say that a long record is being read."""


def watch(options: Options, tell: Callable[[Report], None]) -> NoReturn:
    """Runs the command, tells its report, and ends this process as the script ended.

    Args:
        options: What to run and how.
        tell: Prints the report.

    Raises:
        LaunchError: Nothing was started, and why.
    """
    if options.meant and reads_no_arguments(options.words):
        complain(f"{BEHIND}, which reads none; did you mean {options.meant}?")
    quiet = contextlib.ExitStack()
    with quiet:
        observed = observe(
            options.words,
            options.child_settings(),
            python=options.python,
            base=options.base,
            beside=tell_if_still,
            when_ended=lambda: quiet.enter_context(note_if_slow()),
        )
        if options.twice and observed.view.observed and observed.outcome.signal is None:
            quiet.close()
            run_again(observed.view, options.words, observed.folder, options.child_settings(),
                      python=options.python)  # fmt: skip
        if options.deep and not observed.interrupted:
            quiet.close()
            deepen(observed.view, options.words, observed.folder, python=options.python,
                   steps=options.steps, seconds=options.seconds)  # fmt: skip
        status = _report(options, observed, tell, quiet.close)
    if options.meant and observed.outcome.exit_code == 2 and not observed.view.observed:
        complain(f"{BEHIND}; did you mean {options.meant}?")
    if status is not None and observed.outcome.exit_code == 0:
        sys.exit(status)
    supervisor.finish(observed.outcome)


def _report(
    options: Options,
    observed: Observed,
    tell: Callable[[Report], None],
    silence: Callable[[], None],
) -> int | None:
    """Tells and writes the report; the status that it asks for, None if it asks for none."""
    status = None
    try:
        report = make_report(
            observed.view,
            options.checks,
            ignore=options.ignore,
            only=options.only,
            folder=observed.folder,
        )
        report = replace(report, page=write_page_into(observed.folder, report))
        silence()
        if report.fails(options.fail_on):
            status = 1
        tell(report)
        if options.json is not None:
            status = write_as_json(report, options.json) or status
        if options.sarif is not None:
            status = write_as_sarif(report, options.checks, options.sarif) or status
    except BrokenPipeError:
        pass
    except Exception:  # our fault must not cost the user the script's own status
        complain(
            f"the report failed, the record is safe in {observed.folder}: "
            f"{traceback.format_exc().strip().splitlines()[-1]}"
        )
        with contextlib.suppress(OSError):
            log = Path(observed.folder) / "report-error.log"
            log.write_text(traceback.format_exc(), encoding="utf-8")
    return status


def write_as_json(report: Report, target: str) -> int | None:
    """Writes the report as JSON; status 2, and one line, where that fails."""
    from ..report.json import write_json

    try:
        write_json(report, target)
    except OSError as error:
        complain(f"--json: can't write {target}: {error.strerror}")
        return 2
    return None


def write_as_sarif(report: Report, checks: Sequence[Check], target: str) -> int | None:
    """Writes the findings as SARIF; status 2, and one line, where that fails."""
    from ..report.sarif import write_sarif

    try:
        write_sarif(report, checks, target)
    except OSError as error:
        complain(f"--sarif: can't write {target}: {error.strerror}")
        return 2
    return None


@contextlib.contextmanager
def note_if_slow() -> Iterator[None]:
    """Says that a record is being read, if that takes longer than a person waits in silence."""
    timer = threading.Timer(PATIENCE_S, complain, ["reading the record of the run ..."])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
