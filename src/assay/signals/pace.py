"""How long steps took, by the clock of the process that took them."""

from __future__ import annotations

from itertools import pairwise

from ..journal.series import Series
from ..journal.view import Training


def seconds_per_step(training: Training) -> Series:
    """Returns the mean seconds of a step, at the end of each stretch of steps that was timed."""
    return Series(
        (step, (now - before) / (step - earlier))
        for (earlier, before), (step, now) in pairwise(training.series("time_s"))
        if step > earlier
    )
