"""Processes by their number and when they began, since numbers are given again; and their end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_DEATH = 1
"""PR_SET_PDEATHSIG of Linux (prctl(2)): the signal that a process gets when its parent ends."""


def began(pid: int) -> str:
    """Returns when a process began, as the system writes it; empty if there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError, IndexError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            return "" if fields[0] in "ZX" else fields[19]
        return ""
    with contextlib.suppress(OSError):
        told = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return told.stdout.strip()
    return ""


def kill_group(pid: int, since: str) -> bool:
    """Kills a process that leads a group, and its group; one that began at another time lives on.

    Args:
        pid: Its number.
        since: When it began, as `began` told.

    Returns:
        Whether there was such a process.
    """
    if not since or began(pid) != since:
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
            return True
    return False


def start_tied(argv: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Starts a process that the system ends when we end, however we end; on Linux alone.

    By SIGTERM: torchrun then ends its ranks, which would live on if it were killed.

    Args:
        argv: What is started.
        options: As `subprocess.Popen` takes them.
    """
    if not sys.platform.startswith("linux"):
        return subprocess.Popen(argv, **options)
    libc, us = ctypes.CDLL(None), os.getpid()

    def tie() -> None:
        libc.prctl(_DEATH, signal.SIGTERM)
        if os.getppid() != us:  # too late to be told
            os._exit(1)

    return subprocess.Popen(argv, preexec_fn=tie, **options)
