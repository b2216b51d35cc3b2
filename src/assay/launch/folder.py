"""The run folder: where the child's journals and our own account of the run lie."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .. import __version__
from . import setup
from .errors import LaunchError

RUNS = Path(".assay") / "runs"


@dataclass(frozen=True)
class RunFolder:
    """One run's folder.

    Attributes:
        id: Readable, unique in its parent folder, and sorted by time of start (UTC).
        path: Absolute.
    """

    id: str
    path: Path

    def begin(
        self,
        command: Sequence[str],
        settings: Mapping[str, Any],
        python: str | None = None,
        **facts: Any,
    ) -> None:
        """Writes `settings.json` for the child and the first half of `run.json`.

        Args:
            command: What is started.
            settings: What the child is told.
            python: The interpreter, where we chose it.
            facts: What else is known, for `run.json`.

        Raises:
            LaunchError: The folder can't be written.
        """
        self._write("settings.json", dict(settings))
        record = {
            "id": self.id,
            "command": list(command),
            "cwd": os.getcwd(),
            "started": _now(),
            "assay": __version__,
            "python": python,
            "setup": setup.describe(command, settings),
            **facts,
        }
        self._write("run.json", record)

    def end(self, *, exit_code: int | None, signal: int | None, seconds: float) -> None:
        """Adds to `run.json` how the run ended.

        Raises:
            LaunchError: The folder can't be written; the first half then stays as it was.
        """
        record = self._record()
        record.update(exit_code=exit_code, signal=signal, seconds=round(seconds, 3), ended=_now())
        self._write("run.json", record)

    def add_setup(self, **facts: Any) -> None:
        """Adds to the set-up in `run.json` what only the run itself could tell.

        Raises:
            LaunchError: The folder can't be written.
        """
        record = self._record()
        if isinstance(record.get("setup"), dict):
            record["setup"].update(facts)
            self._write("run.json", record)

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # the script may have removed or changed it
            record = None
        return record if isinstance(record, dict) else {"id": self.id}

    def _write(self, name: str, record: Mapping[str, Any]) -> None:
        # A reader, or a full disk, never meets half a file.
        draft = self.path / f".{name}.tmp"
        try:
            draft.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            draft.replace(self.path / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise LaunchError(f"can't write {self.path / name}: {error.strerror}") from None


def create(
    label: str = "run", *, base: str | Path | None = None, explicit: str | Path | None = None
) -> RunFolder:
    """Makes a new, empty run folder.

    Args:
        label: What is run, for the id: `train` gives `20261121-041500-train`.
        base: The folder of all runs; `.assay/runs` below the working directory if not given.
        explicit: The run folder itself; it may exist if it is empty.

    Raises:
        LaunchError: The folder can't be made, or `explicit` holds something already.
    """
    wanted = Path(explicit or base or RUNS)
    try:
        if explicit is not None:
            path = wanted.absolute()
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise LaunchError(f"run folder {wanted} is not empty: name a new one")
        else:
            path = _fresh(wanted.absolute(), label)
            if base is None:
                _keep_out_of_git(path.parents[1])
    except OSError as error:
        raise LaunchError(f"can't make run folder {wanted}: {error.strerror}") from None
    return RunFolder(path.name, path)


def _fresh(base: Path, label: str) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.]+", "-", label, flags=re.ASCII).strip("-.")[:40] or "run"
    # In UTC, so that the newest run is the last by name wherever and whenever it was made.
    stem = f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{name}"
    number = 1
    while True:
        path = base / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _keep_out_of_git(folder: Path) -> None:
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
