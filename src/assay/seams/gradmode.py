"""Seam: regions without gradients that the user enters, by `no_grad` or `inference_mode` of torch.

In place only while someone listens.
"""

from __future__ import annotations

import sys
from typing import Any

import torch

from .callsite import is_user_file
from .hub import Hub
from .on_demand import put_on_demand
from .patch import INTERNAL, Patches
from .recording import is_recording


def _by_user(frame: Any) -> bool:
    """Torch's optimizers and clip functions enter such regions too, in every step."""
    code = frame.f_code
    while code.co_filename == INTERNAL:
        frame = frame.f_back
        code = frame.f_code
    if code.co_name == "decorate_context":  # `@torch.no_grad()` on a function: whose is it?
        code = getattr(frame.f_locals.get("func"), "__code__", code)
    return is_user_file(code.co_filename)


def install(hub: Hub, patches: Patches) -> None:
    """Makes the seam that the hub puts in place on demand."""

    def announce(original: Any) -> Any:
        def __enter__(self: Any) -> Any:
            # first what costs little: torch clips gradients within three regions of its own
            if _by_user(sys._getframe(1)) and not is_recording():
                hub.emit("gradients_off", True)
            return original(self)

        return __enter__

    places = [(owner, "__enter__") for owner in (torch.no_grad, torch.inference_mode)]
    put_on_demand(hub, patches, "gradients_off", places, announce)
