"""Child side: appends facts to this process's journal, one JSON line each, safe against any death."""

from __future__ import annotations

import errno
import json
import math
import os
from time import monotonic
from typing import Any

FLUSH_SECONDS = 0.25
_TROUBLE_BYTES = 1024


def compact(value: float) -> float | str:
    """Seven significant digits (float32 has no more); JSON has no infinities, so they are words."""
    if math.isfinite(value):
        return float(f"{value:.7g}")
    return "nan" if value != value else "inf" if value > 0 else "-inf"


class Journal:
    """One process's journal file `journal-<pid>.jsonl` in the run folder.

    Lines are held back until `open` is called, since most processes that inherit the bootstrap
    never train. Whole lines are appended with one write each flush, so that a killed process
    leaves at most its last line torn. A full disk stops the recording, never the run; the reason is
    written over a small file that was set aside for it.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lines: list[str] = []
        self._fd: int | None = None
        self._trouble_fd: int | None = None
        self._stopped = False
        self._last_flush = monotonic()

    @property
    def is_open(self) -> bool:
        """Whether this process is recorded."""
        return self._fd is not None

    def open(self) -> None:
        """Starts to write: what was held back goes first."""
        if self._fd is not None or self._stopped:
            return
        pid = os.getpid()
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        try:
            self._trouble_fd = os.open(
                os.path.join(self._folder, f"trouble-{pid}"), flags & ~os.O_APPEND, 0o644
            )
            os.write(self._trouble_fd, b" " * _TROUBLE_BYTES)
            self._fd = os.open(os.path.join(self._folder, f"journal-{pid}.jsonl"), flags, 0o644)
        except OSError as error:
            self._give_up(error)
            return
        self.flush()

    def put(self, kind: str, **facts: Any) -> None:
        """Adds one fact; it reaches the disk within `FLUSH_SECONDS` of the next one."""
        if self._stopped:
            return
        self._lines.append(
            json.dumps({"k": kind, **facts}, separators=(",", ":"), default=str, allow_nan=False)
        )
        if self._fd is None:
            if len(self._lines) > 2000:
                del self._lines[1000:1500]
        elif len(self._lines) >= 64 or monotonic() - self._last_flush > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes everything that is held."""
        self._last_flush = monotonic()
        if self._fd is None or not self._lines:
            return
        data = ("\n".join(self._lines) + "\n").encode("utf-8", "surrogateescape")
        self._lines.clear()
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Flushes and closes; a file set aside for trouble that did not come is removed."""
        self.flush()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        if self._trouble_fd is not None:
            os.close(self._trouble_fd)
            self._trouble_fd = None
            if not self._stopped:
                try:
                    os.unlink(os.path.join(self._folder, f"trouble-{os.getpid()}"))
                except OSError:
                    pass

    def forget(self) -> None:
        """After a fork: the parent's file and lines are not this process's."""
        for fd in (self._fd, self._trouble_fd):
            if fd is not None:
                os.close(fd)
        self._fd = self._trouble_fd = None
        self._lines = []
        self._stopped = False

    def _give_up(self, error: OSError) -> None:
        self._stopped = True
        self._lines.clear()
        name = errno.errorcode.get(error.errno or 0, "OSError")
        text = f"recording stopped: {name}: {error.strerror}".encode()
        if self._trouble_fd is not None:
            try:
                os.lseek(self._trouble_fd, 0, os.SEEK_SET)
                os.write(self._trouble_fd, text[:_TROUBLE_BYTES])
            except OSError:
                pass
