"""What trials have found out, append-only, so that nothing is run twice.

In `.assay/trials`, `results.jsonl` has one line for each run that ended, `trials.jsonl` one for the
beginning and one for the end of each trial. A line is written in one piece; lines that can't be
read are passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..launch.errors import LaunchError
from ..launch.folder import create
from .result import Result, dumps

TRIALS = Path(".assay") / "trials"


class Store:
    """The folder of all trials.

    Args:
        base: `.assay/trials` below the working directory if not given.
    """

    def __init__(self, base: Path | None = None) -> None:
        self.base = (base or TRIALS).absolute()

    def new_trial(self, label: str) -> Path:
        """Makes a new folder for one trial.

        Raises:
            LaunchError: It can't be made.
        """
        made = create(label, base=self.base)
        if self.base == TRIALS.absolute():
            ignore = self.base.parent / ".gitignore"
            with contextlib.suppress(OSError):
                if not ignore.exists():
                    ignore.write_text("*\n", encoding="utf-8")
        return made.path

    def keep(self, key: str, result: Result) -> None:
        """Appends a result.

        Raises:
            LaunchError: The store can't be written.
        """
        self._append("results.jsonl", {"key": key, **result.as_line()})

    def known(self, key: str) -> Result | None:
        """Returns the latest result of this key that still holds; None if there is none."""
        latest = None
        for line in self._lines("results.jsonl", containing=key):
            if line.get("key") == key:
                with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
                    latest = Result.from_line(line)
        return latest if latest is not None and latest.is_current() else None

    def note(self, trial: str, event: str, **facts: Any) -> None:
        """Appends that a trial begins or ends.

        Raises:
            LaunchError: The store can't be written.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._append("trials.jsonl", {"trial": trial, "event": event, "time": now, **facts})

    def trials(self) -> list[dict[str, Any]]:
        """Returns all trials, the oldest first, with what was noted at the end of each.

        `ended` is missing from one that was cut off.
        """
        found: dict[str, dict[str, Any]] = {}
        for line in self._lines("trials.jsonl"):
            trial, event = line.get("trial"), line.get("event")
            if isinstance(trial, str) and event in ("began", "ended"):
                facts = {k: v for k, v in line.items() if k not in ("event", "time")}
                found.setdefault(trial, {}).update(facts, **{event: line.get("time")})
        return list(found.values())

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        path = self.base / name
        try:
            self.base.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                if file.tell():  # a line torn by a full disk must not take the next one with it
                    file.seek(-1, os.SEEK_END)
                    torn = file.read(1) != b"\n"
                else:
                    torn = False
                file.write((b"\n" if torn else b"") + dumps(line).encode() + b"\n")
        except OSError as error:
            raise LaunchError(f"can't write {path}: {error.strerror}") from None

    def _lines(self, name: str, containing: str = "") -> Iterator[dict[str, Any]]:
        wanted = containing.encode()
        try:
            with (self.base / name).open("rb") as file:
                for raw in file:
                    if wanted not in raw:
                        continue
                    with contextlib.suppress(ValueError):
                        line = json.loads(raw)
                        if isinstance(line, dict):
                            yield line
        except OSError:
            return
