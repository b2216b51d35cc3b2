"""The gradient norms of a training while it went well."""

from __future__ import annotations

from ..journal.view import Training

WELL = 2.0
"""Times the first loss: above it a training goes badly (llm-foundry's KillLossSpike)."""


def norms_while_well(training: Training, until: int | None = None) -> list[float]:
    """Returns the norms, sorted, of the steps at which the loss was not far above its first.

    In a run that comes apart the others are large for that, and say nothing of where to clip.

    Args:
        training: The training.
        until: Only those of the steps before this one.
    """
    losses, norms = training.series("loss"), training.series("grad_norm").finite()
    first = losses.finite().first
    if not first > 0:
        return sorted(v for s, v in norms if until is None or s < until)
    return sorted(
        norm
        for step, norm in norms
        if (until is None or step < until) and not losses.at(step) > WELL * first
    )
