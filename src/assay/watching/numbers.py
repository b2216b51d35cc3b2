"""Numbers for objects of the user's, so that facts about one of them can be told apart."""

from __future__ import annotations

import weakref
from typing import Any

OBJECTS_AT_MOST = 10_000


class Numbers:
    """Numbers objects in the order in which they were met, and keeps none of them alive."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._met = 0

    def of(self, thing: Any) -> int:
        """Returns the object's number; the next one for an object not met before."""
        entry = self._known.get(id(thing))
        if entry is not None and entry[0]() is thing:
            return entry[1]
        if len(self._known) >= OBJECTS_AT_MOST:
            alive = ((key, it) for key, it in self._known.items() if it[0]() is not None)
            self._known = dict(alive)
        number, self._met = self._met, self._met + 1
        if len(self._known) < OBJECTS_AT_MOST:
            self._known[id(thing)] = weakref.ref(thing), number
        return number
