"""Runs a script under assay and says what all checks find: for tests of checks and of calibration.

python -m assay.testing.scripts script.py ...
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..checks.registry import CHECKS
from ..diagnosis import Diagnosis, diagnose
from ..journal.view import RunView
from ..observe import observe


def check_script(
    script: Path, *args: str, run_dir: Path | None = None
) -> tuple[RunView, Diagnosis]:
    """Observes a script to its end and reviews it with every check.

    Raises:
        AssertionError: the script failed, was not observed, or assay made an error of its own.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = run_dir or Path(scratch) / "run"
        observed = observe([str(script), *args], run_dir=folder)
        view = observed.view
    assert observed.outcome.exit_code == 0, f"{script} ended with {observed.outcome}"
    assert not view.errors, f"{script}: {view.errors}"
    assert view.observed, f"{script}: no training step was seen"
    return view, diagnose(view, CHECKS)


def main() -> None:
    """Prints one line a finding for each script named."""
    for name in sys.argv[1:]:
        _, diagnosis = check_script(Path(name))
        print(f"{name}: {'silent' if not diagnosis.findings else ''}")  # noqa: T201
        for finding in diagnosis.findings:
            print(f"  {finding.role:8}{finding.severity:8}{finding.check}: {finding.summary}")  # noqa: T201


if __name__ == "__main__":
    main()
