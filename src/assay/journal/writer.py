"""Child side: appends facts to this process's journal, one JSON line each, safe in any death."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from contextlib import suppress
from time import monotonic
from typing import Any

from .numbers import compact, json_safe, to_json

FLUSH_SECONDS = 0.25
_TROUBLE_BYTES = 1024
_HIGH = 200
"""Our files get numbers from here, so that those of the user's files are what they always were."""


def _encode(fact: dict[str, Any]) -> str:
    try:
        return json.dumps(fact, separators=(",", ":"), default=str, allow_nan=False)
    except (ValueError, TypeError):
        return json.dumps(json_safe(fact, compact), separators=(",", ":"), allow_nan=False)


def _series(values: list[float | None]) -> str:
    """Writes a JSON list of numbers by one format call: every step comes through.

    Nine digits tell each float32 from the next one: two runs that part by a bit can be told apart.
    """
    if None not in values:
        text = ",".join(["%.9g"] * len(values)) % tuple(values)
        if "n" not in text:  # no nan, no inf
            return f"[{text}]"
    rounded = [None if value is None else to_json(float(f"{value:.9g}")) for value in values]
    return json.dumps(rounded, separators=(",", ":"))


def _open(path: str, flags: int) -> int:
    """Opens a file under a number that no program of the user's would meet."""
    low = os.open(path, flags | os.O_WRONLY | os.O_CLOEXEC, 0o644)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:  # the limit on open files is below that
        return low
    os.close(low)
    return high


class Journal:
    """One process's journal file `journal-<pid>.jsonl` in the run folder.

    Lines are held back until `open` is called, since most processes that inherit the bootstrap
    never train. Whole lines are appended with one write each flush, so that a killed process
    leaves at most its last line torn. A full disk stops the recording, never the run; the reason is
    written over a small file that was set aside for it.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._lines: list[str] = []
        self._pending = b""
        self._fd: int | None = None
        self._identity: tuple[int, int] | None = None
        self._path = self._trouble_path = ""
        self._stopped = False
        self._last_flush = monotonic()
        self.is_open = False
        """Whether this process is recorded."""

    def open(self) -> None:
        """Starts to write: what was held back goes first."""
        if self._fd is not None or self._stopped:
            return
        try:
            self._open_files()
        except OSError as error:
            self._give_up(error)
            return
        self.flush()

    def _open_files(self) -> None:
        """Opens files of this process's number; an earlier process may have had it, too."""
        name = str(os.getpid())
        for attempt in range(2, 1000):
            try:
                trouble = os.path.join(self.folder, f"trouble-{name}")
                aside = _open(trouble, os.O_CREAT | os.O_EXCL)
                self._trouble_path = trouble
                os.write(aside, b" " * _TROUBLE_BYTES)
                os.close(aside)
                self._path = os.path.join(self.folder, f"journal-{name}.jsonl")
                self._adopt(_open(self._path, os.O_APPEND | os.O_CREAT | os.O_EXCL))
                break
            except FileExistsError:
                self._remove_trouble()
                name = f"{os.getpid()}-{attempt}"
        if self._fd is None:
            raise OSError(errno.EEXIST, "every name for a journal is taken")

    def _adopt(self, fd: int) -> None:
        status = os.fstat(fd)
        self._fd, self._identity = fd, (status.st_dev, status.st_ino)
        self.is_open = True

    def put(self, kind: str, **facts: Any) -> None:
        """Adds one fact; it reaches the disk within `FLUSH_SECONDS` of the next one."""
        if not self._stopped:
            self._add(_encode({"k": kind, **facts}))

    def put_series(
        self, kind: str, name: str, values: list[float | None], facts: dict[str, Any]
    ) -> None:
        """Adds one fact of which one part is a long list of numbers."""
        if not self._stopped:
            self._add(f'{_encode({"k": kind, **facts})[:-1]},"{name}":{_series(values)}}}')

    def _add(self, line: str) -> None:
        self._lines.append(line)
        if self._fd is None:
            if len(self._lines) > 2000:
                del self._lines[1000:1500]
        elif len(self._lines) >= 64 or monotonic() - self._last_flush > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes everything that is held."""
        self._last_flush = monotonic()
        if self._fd is None or not (self._lines or self._pending):
            return
        if self._lines:
            self._pending += ("\n".join(self._lines) + "\n").encode("utf-8", "surrogateescape")
            self._lines.clear()
        try:
            if not self._is_ours():  # the program closed all files that it did not open
                self._adopt(_open(self._path, os.O_APPEND))
            while self._pending:  # a Ctrl-C in here finds the rest at the next flush
                self._pending = self._pending[os.write(self._fd, self._pending) :]
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Flushes and closes; a file set aside for trouble that did not come is removed."""
        self.flush()
        self._close_file()
        if not self._stopped:
            self._remove_trouble()

    def _is_ours(self) -> bool:
        """Whether the number still means our file: a program may close all that it did not open."""
        if self._fd is None:
            return False
        try:
            status = os.fstat(self._fd)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def _close_file(self) -> None:
        if self._fd is not None and self._is_ours():
            os.close(self._fd)
        self._fd, self.is_open = None, False

    def _remove_trouble(self) -> None:
        if self._trouble_path:
            with suppress(OSError):
                os.unlink(self._trouble_path)
        self._trouble_path = ""

    def forget(self) -> None:
        """Forgets, after a fork, the parent's file and lines."""
        self._close_file()
        self._identity, self._trouble_path = None, ""
        self._lines, self._pending = [], b""
        self._stopped = False

    def _give_up(self, error: OSError) -> None:
        self._stopped = True
        self._close_file()
        self._lines.clear()
        self._pending = b""
        name = errno.errorcode.get(error.errno or 0, "OSError")
        text = f"recording stopped: {name}: {error.strerror}".encode()
        if self._trouble_path:  # by its path: the number may be another file's by now
            with suppress(OSError), open(self._trouble_path, "r+b") as file:
                file.write(text[:_TROUBLE_BYTES])
