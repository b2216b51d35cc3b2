"""`assay tune --worker STUDY`: one more process for a search that has begun."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from ..configured import configured_checks
from ..launch.errors import LaunchError
from ..report.ending import counted
from ..trials.runner import sigterm_as_interrupt
from .complaint import complain
from .trying import trials_folder


def need_optuna() -> None:
    """Refuses to go on without Optuna.

    Raises:
        LaunchError: It is not there.
    """
    if importlib.util.find_spec("optuna") is None:
        raise LaunchError("tune needs Optuna: pip install 'assay[tune]'")


def work(given: argparse.Namespace, command: Sequence[str]) -> int:
    """Runs points of a study until there are none left.

    Args:
        given: The options.
        command: What stands behind them: nothing, since the study knows its command.

    Returns:
        0; 130 after Ctrl-C.

    Raises:
        LaunchError: There is no such study, or it can't be worked on.
    """
    if command:
        raise LaunchError(
            f"--worker takes no command: the study knows it; received {' '.join(command)}"
        )
    need_optuna()
    from ..tuning.facts import read_facts
    from ..tuning.worker import join

    folder = Path(given.worker).absolute()
    facts = read_facts(folder)
    if facts is None:
        raise LaunchError(f"--worker: there is no study in {given.worker}")
    base = trials_folder()
    os.chdir(facts.get("folder") or ".")
    worker = join(folder, facts, complain, configured_checks(), base, given.storage)
    try:
        with sigterm_as_interrupt():
            worker.work()
    except KeyboardInterrupt:
        complain(f"{counted(worker.told, 'point')} ended here")
        return 130
    complain(f"{counted(worker.told, 'point')} ended here; nothing is left to ask for")
    return 0
