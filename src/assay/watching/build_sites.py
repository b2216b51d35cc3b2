"""Where modules were built: the user's line, found cheaply when it happens and read out later."""

from __future__ import annotations

import weakref
from types import CodeType
from typing import Any

from ..seams.callsite import builder_frame, line_at

MODULES_AT_MOST = 100_000
SWEPT_AT_LEAST = 1024


class BuildSites:
    """Remembers the line that built each module, as long as the module lives.

    Building a module costs a walk over the frames up to the user's and one entry (2 to 5 µs,
    benchmarks/building.py); which line an instruction stands in is worked out only when asked.
    Modules are not hashed: a class of the user's may have an `__eq__` of its own.
    """

    def __init__(self) -> None:
        self._built: dict[int, tuple[weakref.ref[Any], CodeType, int]] = {}
        self._sweep_at = SWEPT_AT_LEAST

    def note(self, module: Any) -> None:
        """Notes who builds the module that is being built."""
        frame = builder_frame(module)
        if frame is not None:
            if len(self._built) >= self._sweep_at:
                self._sweep()
            if len(self._built) < MODULES_AT_MOST:
                self._built[id(module)] = weakref.ref(module), frame.f_code, frame.f_lasti

    def site(self, module: Any) -> tuple[str, int, str] | None:
        """Returns the line that built it; None for a copy, or where no line of the user's did."""
        known = self._built.get(id(module))
        if known is None or known[0]() is not module:
            return None
        return line_at(known[1], known[2])

    def _sweep(self) -> None:
        """Forgets the dead: a loss that is built anew at every step leaves many."""
        self._built = {key: known for key, known in self._built.items() if known[0]() is not None}
        self._sweep_at = max(2 * len(self._built), SWEPT_AT_LEAST)
