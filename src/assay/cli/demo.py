"""`assay demo`: a fault planted in a small real training, found, cured and shown as a diff."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..launch.errors import LaunchError
from ..trials.result import Result
from ..trials.trial import Trial
from .fix import find_cure, fix_parser
from .trying import tell
from .words import Parser

_DEMO = Path(__file__).resolve().parent.parent / "demo"
_PARTS = ("train_digits.py", "digits.u8.gz", "DIGITS-LICENSE.md")


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Returns:
        0 if the script ran, whatever was found in it, 130 after Ctrl-C.

    Raises:
        LaunchError: The script can't be copied or started.
    """
    parser = Parser(
        prog="assay demo",
        description="Find a planted fault in a small real training (handwritten digits, CPU), "
        "prove what cures it, and show the cure as a diff.",
    )
    parser.add_argument("--python", metavar="PATH", help="interpreter for the script")
    python = parser.read(words).python
    # a copy of the user's own, so that they can mend it and check it again
    try:
        folder = Path(tempfile.mkdtemp(prefix="assay-demo-"))
        for part in _PARTS:
            shutil.copy(_DEMO / part, folder / part)
    except OSError as error:
        raise LaunchError(f"can't copy the demo to a temporary folder: {error.strerror}") from None
    script = folder / _PARTS[0]
    _say(
        f"assay demo: {script} trains a classifier of handwritten digits and fails.",
        "It is run as it is, diagnosed, and run again with the remedy on the same seeds:",
        "7 short runs, about half a minute.",
        "",
    )
    given = fix_parser().parse_args([] if python is None else ["--python", python])
    trial, _ = find_cure(given, [str(script)], folder / "trials")
    status = tell(trial, given)
    if not status and trial.verdicts:
        _say(*_explained(trial, script))
    return status


def _explained(trial: Trial, script: Path) -> list[str]:
    best = trial.verdicts[0].candidate
    lines = ["", "What just happened"]
    ends = [_last_line(trial.results.get(name, {}).get(0)) for name in ("control", best.name)]
    if all(ends):
        lines += [f"  as it was     {ends[0]}", f"  with the cure {ends[1]}"]
    return [
        *lines,
        "Now you",
        f"  assay fix --write {script}",
        "    does it again and writes the cure into that file; then check it:",
        f"  assay check {script}",
        "  assay fix train.py",
        "    does all of this for a script of your own, and edits nothing.",
    ]


def _last_line(result: Result | None) -> str:
    """Returns what the script printed last in a run."""
    try:
        text = (Path(result.folder) / "output.txt").read_text(errors="replace") if result else ""
    except OSError:
        return ""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def _say(*lines: str) -> None:
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
