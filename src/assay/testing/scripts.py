"""Runs scripts under assay and says what all checks find: for tests of checks and of calibration.

python -m assay.testing.scripts script.py ...
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..checks.registry import CHECKS
from ..diagnosis import Diagnosis, diagnose
from ..journal.second_runs import read_repeated
from ..journal.view import RunView
from ..observe import Observed, observe
from ..trials.repeating import compared
from .warm import WarmRunner

TWICE = "# run twice"


def check_script(
    script: Path,
    *args: str,
    run_dir: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    observe: Callable[..., Observed] = observe,
) -> tuple[RunView, Diagnosis]:
    """Observes a script to its end and reviews it with every check.

    A script with the line `# run twice` is run a second time, as `assay check --twice` does.

    Args:
        script: Its file.
        args: Its arguments.
        run_dir: The run folder; a temporary one if not given.
        settings: What the child is told: `seed_offset`, `steps`, `tricks`.
        observe: Runs it: by the launcher, or `WarmRunner.observe`, which is faster.

    Raises:
        AssertionError: the script failed, was not observed, or assay made an error of its own.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = run_dir or Path(scratch) / "run"
        observed = observe([str(script), *args], settings, run_dir=folder)
        view = observed.view
        if TWICE in script.read_text(encoding="utf-8").splitlines():
            again = observe([str(script), *args], settings, run_dir=Path(scratch) / "again")
            read_repeated(compared(view, again.view), view)
    assert observed.outcome.exit_code == 0, f"{script} ended with {observed.outcome}"
    assert not view.errors, f"{script}: {view.errors}"
    waits = any(built.with_gradient for built in view.optimizers)
    assert view.observed or waits, f"{script}: no training step was seen, nor one that was missing"
    return view, diagnose(view, CHECKS)


def main() -> None:
    """Prints one line a finding for each script named."""
    parser = argparse.ArgumentParser(prog="python -m assay.testing.scripts", description=__doc__)
    parser.add_argument("scripts", nargs="+", type=Path)
    parser.add_argument(
        "--launch", action="store_true", help="start a Python for each, as `assay check` does"
    )
    given = parser.parse_args()
    with nullcontext() if given.launch else WarmRunner() as runner:
        for script in given.scripts:
            _, diagnosis = check_script(script, observe=runner.observe if runner else observe)
            print(f"{script}: {'silent' if not diagnosis.findings else ''}")  # noqa: T201
            for finding in diagnosis.findings:
                print(f"  {finding.role:8}{finding.severity:8}{finding.check}: {finding.summary}")  # noqa: T201


if __name__ == "__main__":
    main()
