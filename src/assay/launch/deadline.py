"""When a child that was given so many seconds has to be stopped from outside."""

from __future__ import annotations

import signal
import time
from pathlib import Path

GRACE_S = 10.0
"""The child stops by itself at the end of a step; it is stopped from outside so much later."""

STARTING_S = 120.0
"""A child that has shown no training step is given so long beyond its seconds: it may be importing,
or reading its data."""


class Deadline:
    """Says which signal a child should be sent, and when.

    The clock is the child's own: it begins with the first backward pass, which is when the child
    writes its journal.

    Args:
        folder: The run's folder, where a child that trains has its journal.
        seconds: For which it may train; None: as long as it likes.
        grace: From the end of these to SIGTERM, and from there to SIGKILL.
        starting: The same where nothing of a training has been seen.
    """

    def __init__(
        self,
        folder: Path,
        seconds: float | None,
        *,
        grace: float = GRACE_S,
        starting: float = STARTING_S,
    ) -> None:
        self._folder, self._seconds = folder, seconds
        self._grace, self._starting = grace, starting
        self._started = time.monotonic()
        self._trains_since: float | None = None
        self._terminated_at: float | None = None
        self.passed = False
        """Whether a signal has been asked for."""

    def due(self) -> signal.Signals | None:
        """Returns the signal that is due now, each once; asked a few times a second."""
        if self._seconds is None:
            return None
        now = time.monotonic()
        if self._terminated_at is not None:
            if now - self._terminated_at < self._grace:
                return None
            self._seconds = None
            return signal.SIGKILL
        if self._trains_since is None and any(self._folder.glob("journal-*.jsonl")):
            self._trains_since = now
        if self._trains_since is not None:
            over = now - self._trains_since - self._seconds - self._grace
        else:
            over = now - self._started - self._seconds - self._starting
        if over < 0:
            return None
        self._terminated_at, self.passed = now, True
        return signal.SIGTERM
