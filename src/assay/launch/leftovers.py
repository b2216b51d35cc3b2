"""Processes that a run has left behind: ranks live in sessions of their own."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def kill_leftovers(run: Path) -> list[int]:
    """Ends every process that was started under this run, and returns their numbers.

    torchrun gives each rank a session of its own, so that a signal to the group of what we started
    reaches none of them. What they have in common is the run folder in their environment, which
    Linux shows; elsewhere nothing is found.
    """
    mark = b"ASSAY_RUN=" + os.fsencode(run.absolute())
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid == os.getpid():
            continue
        with contextlib.suppress(OSError):  # another user's, or gone by now
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                found.append(pid)
    return found
