"""Steps and clipping on gradients that a GradScaler's factor is still in."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..journal.events import HOOK_REGISTERED
from ..journal.view import RunView, Training

SAME = 1e-3
"""Norms that differ by no more are those of the same gradients; half precision rounds as much."""


def scaled_steps(run: RunView, training: Training) -> Iterator[tuple[int, float, float]]:
    """Yields step, scale and gradient norm after backward of steps whose passes were all scaled.

    None where the script hooks into gradients: its hook may have unscaled them.
    """
    if any(event.data["of"] == "tensor" for event in run.events(HOOK_REGISTERED)):
        return
    passes = dict(training.series("backward_passes"))
    scales = dict(training.series("loss_scaled_by").finite())
    norms = dict(training.series("raw_grad_norm").finite())
    for step, scaled in training.series("scaled_passes"):
        scale, norm = scales.get(step, 1.0), norms.get(step, 0.0)
        if scaled == passes.get(step) and scale > 1 and norm > 0:
            yield step, scale, norm


def is_same(one: float, other: float) -> bool:
    """Whether two norms are those of the same gradients."""
    return math.isclose(one, other, rel_tol=SAME)
