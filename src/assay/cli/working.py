"""`assay tune --worker STUDY`: one more process for a search that has begun."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..configured import configured_checks
from ..launch.errors import LaunchError
from ..launch.settings import read_settings
from ..report.ending import counted
from ..trials.runner import sigterm_as_interrupt
from .complaint import complain
from .trying import trials_folder

STUDIES = Path(".assay") / "studies"


def need_optuna() -> None:
    """Refuses to go on without Optuna.

    Raises:
        LaunchError: It is not there.
    """
    if importlib.util.find_spec("optuna") is None:
        raise LaunchError("tune needs Optuna: pip install 'assay[tune]'")


def studies_folder() -> Path:
    """Returns the folder of all studies, beside that of all runs if one has been chosen."""
    chosen = read_settings().run_dir
    return (STUDIES if chosen is None else chosen.parent / "studies").absolute()


def need_storage(address: str | None, facts: Mapping[str, Any], folder: Path) -> None:
    """Refuses to go on in a folder with a study that is kept on a server.

    Raises:
        LaunchError: It is, and no server is given.
    """
    if address is None and facts.get("storage"):
        raise LaunchError(f"the study {folder.name} is kept on a server: {facts['storage']}; give "
                          "--storage again")  # fmt: skip


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
    from ..tuning.storage import facts_on
    from ..tuning.worker import join

    folder = Path(given.worker).absolute()
    if given.storage is not None and not (folder / "study.json").exists():
        facts = facts_on(given.storage, folder.name)
        if facts is None:
            raise LaunchError(f"--worker: there is no study {folder.name} on that server")
        folder = studies_folder() / folder.name
        folder.mkdir(parents=True, exist_ok=True)
    else:
        facts = read_facts(folder)
        if facts is None:
            raise LaunchError(f"--worker: there is no study in {given.worker}")
        need_storage(given.storage, facts, folder)
    base = trials_folder()
    if Path(facts.get("folder") or ".").is_dir():
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
