"""Which runs there are, and how each of them stands, without reading whole journals."""

from __future__ import annotations

import json
import math
import os
import shlex
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..journal.numbers import from_json
from ..journal.reader import read_account
from ..journal.view import RunView
from ..report.console import clean
from ..report.ending import signal_name

ALIVE_S = 15.0
"""A journal that grew this lately is still written; a run may also pause for longer than that."""
PAUSE_S = 3600.0
"""So long may a process that is still there be silent and yet count as running."""
_TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Listed:
    """One run in the list."""

    id: str
    state: str
    running: bool
    command: str
    started: str
    seconds: float | None
    steps: int | None
    loss: float | None

    def as_dict(self) -> dict[str, Any]:
        """Returns what the page's script needs."""
        loss = self.loss if self.loss is not None and math.isfinite(self.loss) else None
        return {"id": self.id, "state": self.state, "running": self.running, "steps": self.steps,
                "loss": loss}  # fmt: skip


class Outside(Exception):
    """No such run in this folder, or one that leads out of it."""


def find(base: Path, name: str) -> Path:
    """Returns the folder of a run.

    Args:
        base: The folder of all runs.
        name: The run's own name, one part of a path.

    Raises:
        Outside: There is none, its name leads elsewhere, or one of its files does.
    """
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise Outside
    root = base.resolve()
    run = (root / name).resolve()
    if run.parent != root or not run.is_dir():
        raise Outside
    try:
        with os.scandir(run) as entries:
            found = [e for e in entries if e.name == "run.json" or e.name.startswith("journal-")]
    except OSError:
        raise Outside from None
    if not found:
        raise Outside
    for entry in found:
        readable(run, Path(entry.path))
    return run


def readable(run: Path, path: Path) -> Path:
    """Returns a file of a run, if it is one: a script may have put a link or a pipe there.

    Raises:
        Outside: It is none.
    """
    try:
        kind = path.lstat().st_mode
        if not stat.S_ISREG(kind) and not (stat.S_ISLNK(kind) and path.is_file()):
            raise Outside
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise Outside from None
    if not real.is_relative_to(run):
        raise Outside
    return real


def listed(base: Path) -> list[Listed]:
    """Returns all runs, the newest first.

    Raises:
        OSError: The folder can't be read.
    """
    found = []
    for name in sorted(os.listdir(base), reverse=True):
        with suppress(Outside, OSError):
            found.append(_listed(find(base, name), name))
    return found


def _listed(run: Path, name: str) -> Listed:
    view = RunView()
    read_account(run, view)
    facts = view.facts
    said, running = state(run, facts)
    steps, loss = _last(run)
    seconds = facts.get("seconds")
    return Listed(
        id=name,
        state=said,
        running=running,
        command=command(facts),
        started=clean(str(facts.get("started") or ""))[:19].replace("T", " "),
        seconds=None if seconds is None else float(seconds),
        steps=steps,
        loss=loss,
    )


def command(facts: Mapping[str, Any]) -> str:
    """Returns what was run, without the path of the interpreter."""
    words = [str(word) for word in facts.get("command") or ()]
    if not words:
        return ""
    return clean(shlex.join([Path(words[0]).name or words[0], *words[1:]]))


def state(run: Path, facts: Mapping[str, Any]) -> tuple[str, bool]:
    """Says how a run stands, in a word or two, and whether it is running."""
    if facts.get("signal") is not None:
        return f"killed by {signal_name(facts['signal'])}", False
    if facts.get("exit_code") is not None:
        code = facts["exit_code"]
        return ("ended" if code == 0 else f"exit status {code}"), False
    if facts.get("ended") is not None:
        return "ended", False
    journals = list(run.glob("journal-*.jsonl"))
    quiet_s = time.time() - max(_changed(path) for path in (*journals, run / "run.json"))
    if quiet_s < ALIVE_S or (quiet_s < PAUSE_S and any(map(_lives, journals))):
        return "running", True
    return "no recorded end", False


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _lives(journal: Path) -> bool:
    """Whether the process that writes this journal is still there."""
    pid = journal.stem.split("-")[1]
    if not pid.isdecimal() or not 0 < int(pid) < 1 << 31:
        return False
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _last(run: Path) -> tuple[int | None, float | None]:
    """Returns steps and the last loss, from the ends of the journals."""
    steps: int | None = None
    loss: float | None = None
    for path in run.glob("journal-*.jsonl"):
        with suppress(OSError), path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL, 0))
            for raw in reversed(file.read(_TAIL).split(b"\n")):
                with suppress(ValueError, KeyError, TypeError, RecursionError):
                    line = json.loads(raw)
                    if isinstance(line, dict) and line.get("k") == "steps":
                        end = int(line["first"]) + len(line["loss"])
                        if steps is None or end > steps:
                            known = [value for value in line["loss"] if value is not None]
                            steps, loss = end, from_json(known[-1]) if known else None
                        break
    return steps, loss
