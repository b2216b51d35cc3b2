"""Tricks in use in this process, and how to take them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..seams import hub as hubs
from ..seams.hub import Hub
from ..seams.patch import Patches
from .base import Trick
from .catalogue import in_order
from .stage import Stage


class Handle:
    """Tricks that are attached; `detach` undoes them all. Usable as a context manager."""

    def __init__(
        self, tricks: Sequence[Trick], stages: Sequence[Stage], seams: Patches | None = None
    ) -> None:
        self.tricks, self.stages, self._seams = tuple(tricks), list(stages), seams

    def detach(self) -> None:
        """Takes every trick back; does nothing the second time."""
        while self.stages:
            self.stages.pop().leave()
        if self._seams is not None:
            self._seams.undo()
            self._seams = None

    def state_dict(self) -> dict[str, Any]:
        """Returns the state of all tricks, by name."""
        return {trick.name: trick.state_dict() for trick in self.tricks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` gave."""
        for trick in self.tricks:
            if trick.name in state:
                trick.load_state_dict(state[trick.name])

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.detach()


def attach(tricks: Sequence[Trick], objects: Sequence[Any]) -> Handle:
    """Puts tricks in place for these objects, at the running session's seams if there is one."""
    from .. import seams

    watched = hubs.running()
    if watched is not None:
        return put_in_place(tricks, watched, tuple(objects))
    hub = Hub()
    return put_in_place(tricks, hub, tuple(objects), seams.install(hub))


def put_in_place(
    tricks: Sequence[Trick],
    hub: Hub,
    objects: tuple[Any, ...] | None,
    seams: Patches | None = None,
    note: Callable[..., None] | None = None,
    steps: int | None = None,
    refused: Callable[[str], None] | None = None,
) -> Handle:
    """Attaches tricks in their order; if one refuses, those before it are taken back.

    `note`, `steps` and `refused` are as in Stage.
    """
    handle = Handle((), [], seams)
    try:
        handle.tricks = in_order(tricks)
        for trick in handle.tricks:
            stage = Stage(hub, objects, note, steps, refused)
            handle.stages.append(stage)
            trick.attach_to(stage)
    except BaseException:
        handle.detach()
        raise
    return handle
