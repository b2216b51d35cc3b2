"""Seam: autocast regions and the GradScaler."""

from __future__ import annotations

from typing import Any

from torch.amp import autocast_mode, grad_scaler

from .hub import Hub
from .patch import Patches
from .recording import is_recording


def install(hub: Hub, patches: Patches) -> None:
    """Wraps autocast's entry and the scaler's scale, step and update."""
    heard = hub.listeners

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

            hub.on("step_end", note)  # so that it is told between samples too
            try:
                result = original(self, optimizer, *args, **kwargs)
            finally:
                hub.off("step_end", note)
            if not stepped and self._enabled:
                hub.emit("step_skipped", optimizer)
            return result

        return step

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
    patches.wrap(grad_scaler.GradScaler, "update", update)
