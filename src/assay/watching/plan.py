"""Which iterations are sampled."""

from __future__ import annotations

import math

from .budget import Budget

OPENING = 32
"""Iterations of the opening window, sampled without a gap while time allows: most faults show at
once."""

DENSE = 8
"""Iterations of the opening window that come first where there is no time for all of them: the
others are spread over what is left of it."""

SHARE_AT_MOST = 1 / 200
"""After the opening window two samples lie at least this share of the run so far apart, which
bounds the record: a run of 100,000 iterations has about 1,300 samples."""

PASSES_AT_MOST = 64
OWN_S_AT_MOST = 1.0
"""A sample is suspended after so many backward passes without a step, or so many seconds of our own
time, until a step comes: a loop that only goes backward (Fisher information, saliency, a very long
accumulation) would else be sampled for ever."""


class SamplePlan:
    """Plans the samples: the opening window, then as many as the budget pays for.

    Something that happens later, such as an optimizer's first step, may request a window in which
    iterations are sampled without a gap again (`request`).

    Args:
        budget: What pays for the samples.
        opening: Length of the opening window, in iterations.
    """

    def __init__(self, budget: Budget, opening: int = OPENING) -> None:
        self.budget, self.opening = budget, opening
        self.next = 0
        """The first iteration, counted from 0, that is to be sampled again."""
        self.taken = 0
        self.last: int | None = None
        """The iteration that was sampled last."""
        self._window_until = self._owed = self._repaid_at = 0

    def is_opening(self, iteration: int) -> bool:
        """Whether an iteration lies in the opening window."""
        return iteration < self.opening

    def request(self, iteration: int, length: int = DENSE) -> bool:
        """Asks that the iterations after this one be sampled without a gap, so many of them.

        A window is paid for by the longer gap that follows it.

        Returns:
            Whether they will be; not while an earlier window is open or still being paid for.
        """
        if self.is_opening(iteration + 1):
            return True
        if iteration < max(self._window_until, self._repaid_at):
            return False
        self._window_until = iteration + 1 + length
        self.next = min(self.next, iteration + 1)
        return True

    def sampled(self, iteration: int, own_s: float, whole_s: float) -> None:
        """Notes a sample and what it cost, and decides when the next one is due."""
        opening = self.is_opening(iteration)
        self.taken += 1
        self.last = iteration
        self.budget.sampled(own_s, whole_s, opening=opening)
        if self.is_opening(iteration + 1):
            self.next = iteration + self._opening_gap(iteration)
            return
        gap = max(self.budget.gap(), math.ceil(iteration * SHARE_AT_MOST))
        if iteration + 1 < self._window_until:
            self.next = iteration + 1
            self._owed += gap - 1
        else:
            self.next = iteration + gap + self._owed
            if self._owed:
                self._owed, self._repaid_at = 0, self.next

    def _opening_gap(self, iteration: int) -> int:
        """Iterations to the next sample of the opening window, by the time that it may still take.

        What is left of it is spread over its rest, the first few apart. Once nothing is left, the
        samples are as far apart as after it.
        """
        budget, left = self.budget, self.opening - iteration - 1
        affordable = budget.opening_left_s() / max(budget.sample_s, 1e-9)
        if affordable >= left or (iteration + 1 < DENSE and affordable >= 1):
            return 1
        return math.ceil(left / affordable) if affordable >= 1 else max(budget.gap(), left)
