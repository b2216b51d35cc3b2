"""A lock on Optuna's journal file that dies with its process."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from optuna.storages.journal import JournalFileOpenLock


class JournalLock(JournalFileOpenLock):
    """Optuna's own locks are files that a killed process leaves, which costs the others 30 s.

    Args:
        path: Of the journal file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path.with_suffix(".lock")
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Waits until no other process writes."""
        self._file = self._path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Lets others write."""
        if self._file is not None:
            self._file.close()
            self._file = None
