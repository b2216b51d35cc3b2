"""A line that tells how long one run has been under way."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..trials.child import Child

PATIENCE_S = 2.0
"""After so long without a word, say what is going on."""
REFRESH_S = 0.5


class Told(Protocol):
    """Is told, often, of the run in progress, and what else there is to say of it."""

    def __call__(self, child: Child, more: str = "") -> None:
        """Shows it."""


@contextmanager
def waiting(what: str, file: TextIO | None = None) -> Iterator[Told]:
    """Tells how long a run has been under way, once it takes longer than a person waits.

    Args:
        what: What it is for.
        file: Where to; standard error if not given.
    """
    console = Console(file=file or sys.stderr, highlight=False, emoji=False, markup=False)
    live = Live(Text(""), console=console, transient=True, auto_refresh=False)
    shown_at, said = 0.0, False

    def working(child: Child, more: str = "") -> None:
        nonlocal shown_at, said
        if child.seconds < PATIENCE_S or time.monotonic() - shown_at < REFRESH_S:
            return
        shown_at = time.monotonic()
        if console.is_terminal:
            live.update(Text(f"  {what}{more}: {child.seconds:.0f} s", "dim"), refresh=True)
        elif not said:
            said = True
            console.print(Text(f"assay: {what}{more} ...", "dim"), soft_wrap=True)

    if not console.is_terminal:
        yield working
        return
    with live:
        yield working
