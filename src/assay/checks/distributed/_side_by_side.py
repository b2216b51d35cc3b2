"""What the checks of ranks ask of a training: that other ranks took the same one."""

from __future__ import annotations

from ...journal.view import RunView, Training
from ...signals.ranks import Ranks, side_by_side
from ..base import Check

MOSTLY = 0.9
"""Ours: of the steps. A step may be left out by one rank, or be none of the whole model's."""


def not_compared(check: Check, run: RunView, training: Training) -> str | None:
    """Says that no other rank took the same training, with gradients of the same parameters."""
    if any(training in ranks.trainings for ranks in side_by_side(run)):
        return None
    return "no other rank took the same training, with gradients of the same parameters"


def gradients_alike(ranks: Ranks) -> bool:
    """Whether all ranks used the same gradient in most of the steps that all of them measured."""
    alike = ranks.alike("grad_fingerprint")
    return bool(alike) and sum(alike.values()) >= MOSTLY * len(alike)
