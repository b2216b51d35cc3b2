"""`assay demo`: a fault planted in a small real training, found as `assay check` finds it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ..launch.errors import LaunchError
from ..report.model import Report
from .options import Options
from .watching import watch
from .words import Parser

_DEMO = Path(__file__).resolve().parent.parent / "demo"
_PARTS = ("train_digits.py", "digits.u8.gz", "DIGITS-LICENSE.md")


def main(words: Sequence[str]) -> NoReturn:
    """Runs the verb; ends with status 0 if the script ran, whatever was found in it.

    Raises:
        LaunchError: The script can't be copied or started.
    """
    parser = Parser(
        prog="assay demo",
        description="Find a planted fault in a small real training (handwritten digits, CPU).",
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
    _say(f"assay demo: running {script}", "")

    def tell(report: Report) -> None:
        from ..report.terminal import show

        show(report)
        if report.findings:
            _say(*_explained(report, script))

    watch(Options(words=(str(script),), base=folder / "runs", python=python), tell)


def _explained(report: Report, script: Path) -> list[str]:
    symptoms = sum(finding.role == "symptom" for finding in report.findings)
    found = f"named the planted fault, {report.findings[0].check}"
    if symptoms:
        others = "another finding is" if symptoms == 1 else f"{symptoms} other findings are"
        found += f";\n  {others} its consequence"
    return [
        "What just happened",
        "  The script trained a classifier of handwritten digits; its accuracy stayed near 10 %.",
        f"  assay watched it from inside torch and {found}.",
        "Now you",
        "  Add  optimizer.zero_grad()  above  loss.backward()  in the script, and look again:",
        f"    assay check {script}",
        "  Or look at a script of your own:",
        "    assay check train.py",
    ]


def _say(*lines: str) -> None:
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
