"""All checks, family by family: the index that a newcomer reads."""

from __future__ import annotations

from .base import Check
from .gradient.zero_grad_missing import ZeroGradMissing

CHECKS: tuple[Check, ...] = (
    ZeroGradMissing(),
)  # fmt: skip


def by_name(name: str) -> Check | None:
    """The check of this name."""
    return next((check for check in CHECKS if check.name == name), None)
