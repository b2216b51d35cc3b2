"""Seam: whether an optimizer's step runs at all. Switched on by tricks that hold steps back."""

from __future__ import annotations

from typing import Any

import torch
from torch.amp import grad_scaler

from .hub import Hub
from .patch import Make, Patches


class StepGate:
    """Asks the filter `step` before an optimizer's own `step`, or a GradScaler's, does anything.

    A step held back does nothing and returns None, as a GradScaler's skipped step does.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._patches = Patches()
        self._covered: set[type] = set()
        self._granted: set[int] = set()
        self._users = 0

    def start(self) -> None:
        """Puts the gate before every optimizer that is built from now on."""
        self._users += 1
        if self._users == 1:
            self._hub.on("optimizer_created", self.cover, first=True, acting=True)
            self._patches.wrap(grad_scaler.GradScaler, "step", self._gated(1))

    def stop(self) -> None:
        """Takes the gate away with its last user."""
        self._users -= 1
        if self._users == 0:
            self._hub.off("optimizer_created", self.cover)
            self._patches.undo()
            self._covered.clear()

    def close(self) -> None:
        """Takes the gate away, whoever still uses it."""
        self._users = min(self._users, 1)
        if self._users:
            self.stop()

    def cover(self, optimizer: Any) -> None:
        """Puts the gate before the `step` of this optimizer's class.

        Before the one that it inherits, if it has none of its own: whoever already holds it bound,
        as a scheduler does, then holds the gate too.
        """
        if not isinstance(optimizer, torch.optim.Optimizer):
            return
        kind = next(kind for kind in type(optimizer).__mro__ if "step" in vars(kind))
        if kind not in self._covered:
            self._covered.add(kind)
            self._patches.wrap(kind, "step", self._gated(0))

    def _gated(self, place: int) -> Make:
        """Returns a gate before a `step` whose argument at this place is the optimizer."""
        hub, granted = self._hub, self._granted

        def make(original: Any) -> Any:
            def step(*args: Any, **kwargs: Any) -> Any:
                optimizer = args[place] if len(args) > place else kwargs["optimizer"]
                key = id(optimizer)
                if key in granted:  # inside a step: of a scaler, or of a subclass
                    return original(*args, **kwargs)
                if not hub.changes.apply("step", True, optimizer):
                    return None
                granted.add(key)
                try:
                    return original(*args, **kwargs)
                finally:
                    granted.discard(key)

            return step

        return make


def install(hub: Hub, patches: Patches) -> None:
    """Makes the switch `step`; nothing is replaced until it is turned on."""
    gate = StepGate(hub)
    hub.changes.switches["step"] = gate
    patches.on_undo(gate.close)
