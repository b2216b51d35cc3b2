"""Where a trick acts: the hub, restricted to the models and optimizers that are meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..seams.hub import Hub
from ..seams.patch import Patches
from .base import TrickError


class Stage:
    """What a trick is given to act through.

    Args:
        hub: carries what the seams announce.
        objects: models and optimizers that are meant; None for all of the process.
        note: records what a trick did, as `note(kind, **facts)`.
    """

    def __init__(
        self,
        hub: Hub,
        objects: tuple[Any, ...] | None = None,
        note: Callable[..., None] | None = None,
    ) -> None:
        import torch

        self.hub = hub
        self.patches = Patches()
        self._note = note
        self._all = objects is None
        given = objects or ()
        self.models: list[Any] = [o for o in given if isinstance(o, torch.nn.Module)]
        self.optimizers: list[Any] = [o for o in given if not isinstance(o, torch.nn.Module)]

    def on(self, event: str, act: Callable[..., None]) -> None:
        """Acts when an event is announced, before any probe hears of it."""
        self.hub.on(event, act, acting=True)
        self.patches.on_undo(lambda: self.hub.off(event, act))

    def change(self, name: str, filter: Callable[..., Any]) -> None:
        """Passes a value through a filter (see `FILTERS` of the hub)."""
        filters = self.hub.filters[name]
        filters.append(filter)
        self.patches.on_undo(lambda: filters.remove(filter))

    def each_optimizer(self, act: Callable[[Any], None]) -> None:
        """Acts on every optimizer that is meant: those there are, and each that is built later."""
        for optimizer in self.optimizers:
            act(optimizer)
        if self._all:
            self.on("optimizer_created", act)

    def meant(self, optimizer: Any) -> bool:
        """Whether this optimizer is one that the trick is for."""
        return self._all or any(optimizer is known for known in self.optimizers)

    def meant_model(self, module: Any) -> bool:
        """Whether this root module is one that the trick is for."""
        return self._all or any(module is known for known in self.models)

    def note(self, kind: str, **facts: Any) -> None:
        """Records what was done."""
        if self._note is not None:
            self._note(kind, **facts)

    def refuse(self, trick: str, why: str) -> None:
        """Stops: the trick does not fit this script."""
        raise TrickError(f"trick {trick}: {why}")

    def leave(self) -> None:
        """Undoes all that was done through this stage, last first."""
        self.patches.undo()
