"""What the checks of players share: they ask only runs in which a network judges another one."""

from __future__ import annotations

from typing import ClassVar

from ...journal.view import RunView
from ...signals.players import pairs
from ..base import Check


class OfPlayers(Check):
    """A check of networks that are trained on each other's answers."""

    needs: ClassVar[tuple[str, ...]] = ("turn",)
    reads: ClassVar[tuple[str, ...]] = ("turn",)

    def why_skipped(self, run: RunView) -> str | None:
        """Says that no network judges what another one makes."""
        if why := super().why_skipped(run):
            return why
        if pairs(run):
            return None
        return "no network was trained on what another one had made, and on something else"
