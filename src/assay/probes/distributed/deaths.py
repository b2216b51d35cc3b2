"""Probe: in the process that started the ranks, which of them failed, and how."""

from __future__ import annotations

import json
import os
from typing import Any, ClassVar

from ...watching.probe import Probe

FAILURES_AT_MOST = 1000


class Deaths(Probe):
    """Writes a line into the run folder (`deaths.jsonl`) for each rank that failed.

    The process that starts ranks trains nothing and keeps no journal. One that torch has ended by
    SIGTERM, because another one failed, is written down like any other.
    """

    name = "deaths"
    always: ClassVar = ("child_failed",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._written = 0

    def on_child_failed(self, pid: int, index: int, code: int) -> None:
        """Writes down one of them."""
        self._written += 1
        if self._written > FAILURES_AT_MOST:
            return
        path = os.path.join(self.watch.folder, "deaths.jsonl")
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            line = {"pid": pid, "index": index, "exit_code": code}
            os.write(fd, (json.dumps(line) + "\n").encode())
        finally:
            os.close(fd)
