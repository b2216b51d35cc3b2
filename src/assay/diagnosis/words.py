"""What a check leads to and what it may be a symptom of, in words: for its page."""

from __future__ import annotations

from collections.abc import Iterable

from ..checks.base import Check
from ..checks.effects import Effect
from .causes import can_lead


def not_judged_if(check: Check) -> list[str]:
    """Returns a Markdown list: what a training lacks that a check can't judge."""
    return [f"- {each.lacking(check)}" for each in check.requires]


def leads_to(check: Check, checks: Iterable[Check]) -> list[str]:
    """Returns a Markdown list: each effect that a check leads to, why, and what shows it."""
    others = [other for other in checks if can_lead(check, other)]
    return [_effect(check, effect, others) for effect in check.leads_to]


def symptom_of(check: Check, checks: Iterable[Check]) -> list[str]:
    """Returns a Markdown list: each effect that a check is, the checks that lead to it, and why."""
    causes = [other for other in checks if can_lead(other, check)]
    said = []
    for effect in check.is_effect:
        leading = [cause for cause in causes if effect in cause.leads_to]
        said.append(f"- {effect.value}{':' if leading else ': no check leads to it'}")
        said += [f"    - `{cause.name}`: {cause.because(effect)}" for cause in leading]
    return said


def drawn(check: Check, checks: Iterable[Check]) -> list[str]:
    """Returns the lines of a drawing: above a check what may bring it on, below what it does."""
    checks = list(checks)
    above = [(other, _why(other, check)) for other in checks if can_lead(other, check)]
    below = [(other, _why(check, other)) for other in checks if can_lead(check, other)]
    if not above and not below:
        return []
    width = max(len(other.name) for other, _ in (*above, *below))
    lines = [
        f"{'├' if n else '┌'}── {cause.name:{width}}  {why}" for n, (cause, why) in enumerate(above)
    ]
    lines.append(f"{'└─▶ ' if above else ''}{check.name}")
    indent = "    " if above else ""
    for number, (effect, why) in enumerate(below, 1):
        branch = "└" if number == len(below) else "├"
        lines.append(f"{indent}{branch}─▶ {effect.name:{width}}  {why}")
    return lines


def _why(cause: Check, effect: Check) -> str:
    """Returns how one check's fault brings on what another one finds."""
    return cause.because(next(each for each in effect.is_effect if each in cause.leads_to))


def _effect(check: Check, effect: Effect, others: Iterable[Check]) -> str:
    names = [f"`{other.name}`" for other in others if effect in other.is_effect]
    shown = f" ({', '.join(names)})" if names else ""
    return f"- {effect.value}{shown}: {check.because(effect)}"
