"""Lightning's own checks: its warnings, `detect_anomaly`, and a stop at a loss that is not finite."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from .base import Adapter, Said


class Lightning(Adapter):
    """Only for scripts that train by a Lightning Trainer."""

    name = "lightning"
    package = "lightning"
    licence = "Apache-2.0"
    changed_lines = 1
    setup = (
        "`Trainer(..., detect_anomaly=True)`; its warnings are statements; Lightning scripts only"
    )
    rules = (
        (r"returned nan values|is nan|not finite", "loss-not-finite weights-not-finite"),
        (r"shuffl", "data-not-shuffled"),
        (r"in eval mode", "eval-mode-in-training"),
        (r"`lr_scheduler.step\(\)` before", "scheduler-before-optimizer"),
        (r"does not have many workers", "loader-starves"),
        (r"target size.*different", "loss-shape-broadcast"),
        (r"no .*optimizer|without.*optimizer", "step-missing"),
    )

    def applies(self, source: str) -> str:
        """Returns why it can't be asked: the script has no Lightning Trainer."""
        if not re.search(r"\blightning\b", source):
            return "not a Lightning script"
        return super().applies(source)

    def begin(self) -> None:
        """Sets `detect_anomaly` in each Trainer and listens to warnings."""
        import lightning.pytorch as pl

        made = pl.Trainer.__init__
        warned = warnings.showwarning

        def make(trainer: Any, *args: Any, **kwargs: Any) -> None:
            made(trainer, *args, **{"detect_anomaly": True, **kwargs})

        def show(message: Any, category: Any, filename: str, *rest: Any) -> None:
            if "lightning" in filename:
                self.say("warning", str(message))
            warned(message, category, filename, *rest)

        pl.Trainer.__init__ = make  # type: ignore[method-assign]
        warnings.showwarning = show

    def read(self, out: Path) -> list[Said]:
        """Returns its warnings, advice about speed as notes."""
        return [
            Said("note", one.text, faults=one.faults)
            if re.search("workers|GPU available|log every", one.text)
            else one
            for one in super().read(out)
        ]

    def finish(self, error: BaseException | None) -> None:
        """Notes the error that anomaly detection raised."""
        if error is not None and re.search("nan values", str(error)):
            self.say("error", str(error))
