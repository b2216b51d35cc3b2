"""Seam: autocast regions and the GradScaler."""

from __future__ import annotations

from typing import Any

from torch.amp import autocast_mode, grad_scaler

from .hub import Hub
from .patch import Patches
from .recording import is_recording

NODES_AT_MOST = 32
"""Operations between a scaled loss and what backward() is called on: a sum of a few."""


def install(hub: Hub, patches: Patches) -> None:
    """Wraps autocast's entry and the scaler's scale, unscale_, step and update."""
    heard = hub.listeners
    inside = [False]

    def entered(original: Any) -> Any:
        def __enter__(self: Any) -> Any:
            if heard["autocast"] and not hub.in_backward and not is_recording():
                hub.emit("autocast", self.device, self.fast_dtype, self._enabled)
            return original(self)

        return __enter__

    def scale(original: Any) -> Any:
        def scale(self: Any, outputs: Any) -> Any:
            result = original(self, outputs)
            if heard["scaled"]:
                hub.emit("scaled", outputs, result)
            return result

        return scale

    def step(original: Any) -> Any:
        def step(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            stepped: list[bool] = []

            def note(which: Any) -> None:
                stepped.append(True)

            if heard["scaler_step"] and self._enabled:
                hub.emit("scaler_step", self, optimizer)

            hub.on("step_end", note)  # so that it is told between samples too
            inside[0] = True  # it unscales what the user has not
            try:
                result = original(self, optimizer, *args, **kwargs)
            finally:
                inside[0] = False
                hub.off("step_end", note)
            if not stepped and self._enabled:
                hub.emit("step_skipped", optimizer)
            return result

        return step

    def unscale(original: Any) -> Any:
        def unscale_(self: Any, optimizer: Any) -> None:
            original(self, optimizer)
            if heard["unscaled"] and self._enabled and not inside[0]:
                hub.emit("unscaled", self, optimizer)

        return unscale_

    def update(original: Any) -> Any:
        def update(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if heard["scaler_update"]:
                hub.emit("scaler_update", self)
            return result

        return update

    patches.wrap(autocast_mode.autocast, "__enter__", entered)
    patches.wrap(grad_scaler.GradScaler, "scale", scale)
    patches.wrap(grad_scaler.GradScaler, "step", step)
    patches.wrap(grad_scaler.GradScaler, "unscale_", unscale)
    patches.wrap(grad_scaler.GradScaler, "update", update)


def nodes_of(value: Any) -> list[Any]:
    """Returns the last operation of each tensor in a tensor, list or tuple; leaves have none."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return [part.grad_fn for part in parts if getattr(part, "grad_fn", None) is not None]


def goes_through(node: Any, scaled: set[int]) -> bool:
    """Returns whether a scaled loss is among the last operations before this node.

    Args:
        node: Of the graph, or None.
        scaled: Sequence numbers of the multiplications that scaled losses.
    """
    waiting, seen = [node], 0
    while waiting and scaled and seen < NODES_AT_MOST:
        here = waiting.pop(0)
        if here is None:
            continue
        seen += 1
        if here._sequence_nr() in scaled and here.name().startswith("Mul"):
            return True
        waiting += [before for before, _ in here.next_functions]
    return False
