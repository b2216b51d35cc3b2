"""Which iterations are sampled: all of the opening window, then as many as the budget pays for."""

from __future__ import annotations

import math
from collections import deque

OPENING = 32
"""Iterations sampled without a gap at the start, since most faults show at once."""

SHARE_AT_MOST = 1 / 200
"""After the opening window two samples lie at least this share of the run so far apart, which
bounds the record: a run of 100,000 iterations has about 1,300 samples."""


PASSES_AT_MOST = 64
OWN_S_AT_MOST = 1.0
"""A sample is suspended after so many backward passes without a step, or so many seconds of our own
time, until a step comes: a loop that only goes backward (Fisher information, saliency, a very long
accumulation) would else be sampled for ever."""


EVERY_STEP_S = 15e-6
"""What any step costs beside a real model, sampled or not. Measured in benchmarks/overhead.py."""

UNSEEN = 1.3
"""A sampled step costs so many times what is seen of it: seams and colder caches are not timed.
Measured in benchmarks/overhead.py: 1.15 to 1.3."""

MARGIN = 0.6
"""Share of the budget that is planned with: rare measurements of the curvature come on top, and
after a sample torch finds its own caches cold. Measured in benchmarks/overhead.py."""


class Sampler:
    """Spaces samples so that what observing costs stays below a share of the time the run takes.

    Where steps are so short that what every step costs takes most of the budget, samples get a
    third of it all the same.

    Args:
        budget: share of step time that observing may take after the opening window, 0 to 1.
        opening: length of the opening window, in iterations.
    """

    def __init__(self, budget: float, opening: int = OPENING) -> None:
        self.budget, self.opening = budget, opening
        self.samples = 0
        self.cost_s = 0.0
        self.opening_cost_s = 0.0
        self.next = 0  # the first iteration, counted from 0, that is to be sampled again
        self._sample_cost_s = 0.0
        self._recent_s: deque[float] = deque(maxlen=16)

    def plain(self, seconds: float) -> None:
        """Notes what an iteration without a sample took."""
        self._recent_s.append(seconds)

    def extra(self, iteration: int, seconds: float) -> None:
        """Notes what a rare measurement cost that keeps to an allowance of its own."""
        self.cost_s += seconds
        if iteration < self.opening:
            self.opening_cost_s += seconds

    def sampled(self, iteration: int, own_s: float, whole_s: float) -> None:
        """Notes what a sample cost, and decides when the next one may be taken."""
        self.samples += 1
        self.cost_s += own_s
        if iteration < self.opening:
            self.opening_cost_s += own_s
            self.plain(max(whole_s - own_s, 1e-6))
            self._sample_cost_s = own_s
        else:
            # a slow sample counts at once, a fast one only by and by: never overspend
            self._sample_cost_s = max(own_s, 0.7 * self._sample_cost_s + 0.3 * own_s)
        plain_s = sorted(self._recent_s)[len(self._recent_s) // 2] if self._recent_s else 0.0
        allowed_s = MARGIN * self.budget * plain_s
        allowed_s = max(allowed_s - EVERY_STEP_S, allowed_s / 3, 1e-9)
        gap = math.ceil(UNSEEN * self._sample_cost_s / allowed_s)
        gap = max(gap, math.ceil(iteration * SHARE_AT_MOST), 1)
        self.next = iteration + (gap if iteration + 1 >= self.opening else 1)
