"""What a trick keeps of each optimizer, for scripts with several of them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Record = TypeVar("Record")


class PerOptimizer(Generic[Record]):
    """One record of each optimizer, in the order of their first steps, which a restart repeats.

    Args:
        make: makes the record of an optimizer that is met for the first time.
    """

    def __init__(self, make: Callable[[], Record]) -> None:
        self._make = make
        self._known: weakref.WeakKeyDictionary[Any, Record] = weakref.WeakKeyDictionary()
        self._kept: list[Record] = []

    def of(self, optimizer: Any) -> Record:
        """Returns the record of this optimizer."""
        record = self._known.get(optimizer)
        if record is None:
            record = self._known[optimizer] = self._kept.pop(0) if self._kept else self._make()
        return record

    def all(self) -> list[Record]:
        """Returns all records, those included that wait for an optimizer to come."""
        return [*self._known.values(), *self._kept]

    def resume(self, records: Sequence[Record]) -> None:
        """Goes on with kept records of the same optimizers."""
        self._kept = list(records)
        for optimizer in list(self._known):
            if self._kept:
                self._known[optimizer] = self._kept.pop(0)
