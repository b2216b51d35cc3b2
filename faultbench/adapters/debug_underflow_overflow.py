"""transformers' DebugUnderflowOverflow: stops at the first inf or nan of an activation or weight."""

from __future__ import annotations

from typing import Any

from .base import Adapter


class DebugUnderflowOverflow(Adapter):
    """`DebugUnderflowOverflow(model)` before training."""

    name = "debug-underflow-overflow"
    package = "transformers"
    licence = "Apache-2.0"
    changed_lines = 2
    setup = (
        "`DebugUnderflowOverflow(model)` before the first training pass; it ends the script itself"
    )
    rules = (
        (r"inf/nan detected", "loss-not-finite weights-not-finite input-not-finite fp16-overflow "
                              "loss-outside-domain norm-eps-suspicious"),
    )  # fmt: skip

    def attach(self, model: Any, optimizer: Any) -> None:
        """Hooks every module."""
        from transformers.debug_utils import DebugUnderflowOverflow as Debug

        self.debug = Debug(model)

    def finish(self, error: BaseException | None) -> None:
        """Notes the error that it raised."""
        if error is not None and "DebugUnderflowOverflow" in str(error):
            self.say("error", str(error))
