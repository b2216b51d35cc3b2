"""What a check leads to and what it may be a symptom of, in words: for its page."""

from __future__ import annotations

from collections.abc import Iterable

from ..checks.base import Check
from ..checks.effects import Effect
from .causes import can_lead


def leads_to(check: Check, checks: Iterable[Check]) -> list[str]:
    """Returns a Markdown list: each effect that a check leads to, and the checks that show it."""
    others = [other for other in checks if can_lead(check, other)]
    return [_effect(effect, others) for effect in check.leads_to]


def symptom_of(check: Check, checks: Iterable[Check]) -> list[str]:
    """Returns a Markdown list: each effect that a check is, and the checks that lead to it."""
    causes = [other for other in checks if can_lead(other, check)]
    said = []
    for effect in check.is_effect:
        names = [f"`{cause.name}`" for cause in causes if effect in cause.leads_to]
        said.append(f"- {effect.value}: {', '.join(names) or 'no check leads to it'}")
    return said


def _effect(effect: Effect, others: Iterable[Check]) -> str:
    names = [f"`{other.name}`" for other in others if effect in other.is_effect]
    return f"- {effect.value}" + (f" ({', '.join(names)})" if names else "")
