"""What was asked of a study, in its folder, and who is in charge of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..launch.errors import LaunchError
from ..trials.result import Result

if TYPE_CHECKING:
    from .study import Study


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps others from working on a study at the same time.

    Raises:
        LaunchError: Another process does.
    """
    try:
        file = (folder / "lock").open("w")
    except OSError as error:
        raise LaunchError(f"can't write {folder}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LaunchError(f"another `assay tune` is at work on the study {folder}") from None
        yield


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Writes what was asked of a study.

    Raises:
        LaunchError: It can't be written.
    """
    path = folder / "study.json"
    try:
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"can't write {path}: {error.strerror}") from None


def read_facts(folder: Path) -> dict[str, Any] | None:
    """Returns what was asked of a study; None if there is none in this folder."""
    with contextlib.suppress(OSError, ValueError):
        facts = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) else None
    return None


def same_script(study: Study, control: Result, steps: int | None) -> None:
    """Refuses to go on with a study of a script that has changed, or was run for other steps.

    Args:
        study: That is gone on with, or new.
        control: The script as it is.
        steps: Of each run; None for the whole script.

    Raises:
        LaunchError: It is another one.
    """
    known, before = study.recall("sources"), study.recall("steps")
    if known is None:
        study.remember("sources", dict(control.sources))
        study.remember("steps", steps)
        return
    changed = [Path(p).name for p, sha in control.sources.items() if known.get(p, sha) != sha]
    if changed:
        raise LaunchError(
            f"{', '.join(changed)} has changed since the study {study.folder} began: "
            "begin a new one"
        )
    if before != steps:
        do = f"give --steps {before}" if before else "leave out --steps, or give more --minutes"
        took = f"{before} steps each" if before else "as many steps as the script has"
        raise LaunchError(f"the runs of the study {study.folder} took {took}: {do}")
