"""Writes the page of a run or a trial into its folder, and opens it: for verbs that report."""

from __future__ import annotations

import contextlib
import traceback
import webbrowser
from pathlib import Path

from ..report import Report
from ..trials.trial import Trial
from ..tuning.tuned import Tuned
from .complaint import complain


def write_page_into(
    folder: Path, report: Report, trial: Trial | None = None, tuned: Tuned | None = None
) -> Path | None:
    """Writes `report.html` into a folder; one line, and None, where that fails.

    Args:
        folder: Of the run, or of the trial.
        report: Of the run; of the control's first run where there is a trial.
        trial: To be shown beside the run.
        tuned: The search in which the trial was made.
    """
    from ..report.page import NAME, write_page

    target = folder / NAME
    try:
        write_page(report, target, trial, tuned)
    except OSError as error:
        complain(f"the page can't be written to {target}: {error.strerror}")
        return None
    except Exception:  # our fault must cost nobody the rest of the report
        last = traceback.format_exc().strip().splitlines()[-1]
        complain(f"the page failed, the record is safe in {folder}: {last}")
        with contextlib.suppress(OSError):
            (folder / "page-error.log").write_text(traceback.format_exc(), encoding="utf-8")
        return None
    return target


def write_page_as(target: Path, report: Report) -> bool:
    """Writes the page where the user wants it; one line where that fails."""
    from ..report.page import write_page

    try:
        write_page(report, target)
    except OSError as error:
        complain(f"--html: can't write {target}: {error.strerror}")
        return False
    return True


def open_page(page: Path) -> bool:
    """Opens a page in the user's browser; where there is none, says where the page lies."""
    address = page.absolute().as_uri()
    with contextlib.suppress(webbrowser.Error, OSError):
        if webbrowser.open(address):
            return True
    complain(f"no browser could be started; the page is {address}")
    return False
