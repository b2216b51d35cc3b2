"""Evidence in words: what was measured, by its title, at which steps, and how often."""

from __future__ import annotations

from ..checks.finding import Evidence
from ..journal.signals import SIGNALS


def title(evidence: Evidence) -> str:
    """Returns `Gradient left over (stale_grad_norm)`, or `Weight norm` for `weight_norm`.

    For what is no signal it is the name alone.
    """
    if evidence.signal not in SIGNALS:
        return evidence.signal
    said = SIGNALS[evidence.signal].title
    return (
        said if said.lower().replace(" ", "_") == evidence.signal else f"{said} ({evidence.signal})"
    )


def when(evidence: Evidence, steps: tuple[int, int]) -> str:
    """Returns `once, at step 26` or `29 times, steps 1 to 299`.

    Args:
        evidence: Of a finding.
        steps: Those of the finding; they are told where it is not known when it was measured.
    """
    if evidence.steps is None or evidence.samples is None:
        return span(steps)
    if evidence.samples == 1:
        return f"once, at step {evidence.steps[0]:,}"
    return f"{evidence.samples:,} times, {span(evidence.steps)}"


def span(steps: tuple[int, int]) -> str:
    """Returns `step 31`, `steps 1 to 31`; empty for a finding of no step."""
    first, last = steps
    if last > first:
        return f"steps {first:,} to {last:,}"
    return f"step {last:,}" if last else ""
