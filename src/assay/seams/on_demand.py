"""Seams that are in place only while someone listens: what every step calls, few want to hear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .hub import Hub
from .patch import Make, Patches


class OnDemand:
    """Functions of torch that are stood in for while the seam is on."""

    def __init__(self, places: Sequence[tuple[Any, str]], make: Make) -> None:
        self._places, self._make = places, make
        self._patches = Patches()

    def start(self) -> None:
        """Puts the seam in place."""
        for owner, name in self._places:
            self._patches.wrap(owner, name, self._make)

    def stop(self) -> None:
        """Takes it away."""
        self._patches.undo()


def put_on_demand(
    hub: Hub, patches: Patches, event: str, places: Sequence[tuple[Any, str]], make: Make
) -> None:
    """Has the hub put these stand-ins in place while someone listens to the event."""
    seam = hub.on_demand[event] = OnDemand(places, make)
    if hub.listeners[event]:
        seam.start()
    patches.on_undo(seam.stop)
