"""One run by itself, beside those that are compared: to its end, and its files put back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..journal.view import RunView
from .child import Child
from .files import PutBack, put_back
from .result import Result
from .runner import sigterm_as_interrupt

POLL_S = 0.02

Working = Callable[[Child], None]
"""Is told, often, of the run in progress."""


def run_alone(child: Child, working: Working, files: PutBack) -> tuple[Result, RunView]:
    """Waits for the end of a run and reads its record.

    Args:
        child: The run, which has been started.
        working: Is told, often, of it.
        files: Gets what the run did to files, which are as before again.

    Raises:
        KeyboardInterrupt: Ctrl-C; the script is ended first.
    """
    try:
        with sigterm_as_interrupt():
            while not child.ended():
                working(child)
                time.sleep(POLL_S)
    except BaseException:
        child.kill()
        raise
    finally:
        files.add(put_back(child.path, Path.cwd()))
    return child.read()
