"""Says, while a command runs, where its ranks stand that have taken no step for long."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from ..journal.standing import read_standing
from ..signals.standing import listed, places
from .complaint import complain

LOOK_S = 1.0
TOLD_S = 20.0
"""After so many seconds without a step it is said, and again after twice as many."""


@contextlib.contextmanager
def tell_if_still(folder: Path) -> Iterator[None]:
    """Tells of ranks that stand still, from a thread, while the block runs."""
    ended = threading.Event()

    def look() -> None:
        teller = Teller(folder)
        while not ended.wait(LOOK_S):
            if line := teller.due():
                complain(line)

    thread = threading.Thread(target=look, name="assay-standing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Teller:
    """Says what is new of the ranks that stand still, once for each time that it has doubled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told, self._seen = 0.0, 0.0

    def due(self) -> str | None:
        """Returns a line if there is one to be said; asked about once a second."""
        standing = read_standing(self._folder)
        longest = max((event.data["still_s"] for event in standing), default=0.0)
        if not standing:
            self._told = 0.0
        before, self._seen = self._seen, longest
        # said at the second look: by then the other ranks have written, too
        if longest < max(TOLD_S, 1.5 * self._told) or longest != before:
            return None
        self._told = longest
        return f"no step for {longest:.0f} s: {listed(places(standing))}"
