"""Probe: files that a process writes beside others that train with it."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from ...watching.probe import Probe
from .ranks import world_size

SAVES_AT_MOST = 64


class Saves(Probe):
    """Event `saved`: a file that torch.save has written by its path."""

    name = "saves"
    always: ClassVar = ("saved",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._written = 0

    def on_saved(self, file: Any) -> None:
        """Writes down its whole path."""
        if not isinstance(file, (str, os.PathLike)) or world_size() < 2:
            return
        self._written += 1
        if self._written <= SAVES_AT_MOST:
            self.watch.event("saved", path=os.path.abspath(os.fspath(file)))
