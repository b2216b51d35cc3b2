"""Which iterations are sampled: by their count, so that two runs of a script sample the same."""

from __future__ import annotations

from collections.abc import Callable

from .budget import Budget

OPENING = 32
"""Iterations of an opening window, sampled without a gap: most faults show at once."""

DENSE = 8
"""Iterations of a short window, and those that come first in an opening that is thinned out."""

DENSITY = 16
SPREAD_FROM = 64
"""After an opening two samples lie this part of the iterations since `SPREAD_FROM` apart, at least
two iterations: 34 samples in a hundred iterations, 65 in 512. What they cost falls as the run goes
on."""

HALVED_FROM, HALVED = 512, 2
"""From there on the distance grows twice as fast: two samples or three in the last quarter of a run
of any length, 118 in one of 100,000. A run that ends before is short, whatever it pays."""

DENSITY_AT_MOST = 512
"""The same, where more than the usual share of the time may be spent."""

THOROUGH = 4
"""Of the samples that lie spread each fourth is thorough: its batch is recorded and computed again,
which takes more than all else. In a long run two or three of those lie in the last quarter."""

FULL_UP_TO, FULL_EACH = 8, 4
"""Of an opening the first iterations are looked at in full, then one in so many: what is slow and
changes little need not be measured at each."""

AGAIN_EACH = 2
"""The same of computing the batch again once the step is done, which half of a transformer's
opening went into: of steps that do harm each fourth would miss too many."""

OPENINGS = 16
"""So many optimizers have an opening and a count of their own; later ones have a window of the same
length where the opening before lies an eighth of the run behind."""

WINDOWS = 4
"""So many short windows of one cause are granted; later ones lie a quarter of the run apart. Both
bound the record by the logarithm of the run's length."""

GOLDEN = 0.6180339887498949
"""Where in its stretch a sample lies: multiples of it, without the whole part, are spread evenly
and keep no step with alternating optimizers, nor with the length of an epoch."""

PASSES_AT_MOST = 64
OWN_S_AT_MOST = 1.0
"""A sample is suspended after so many backward passes without a step, or so many seconds of our own
time, until a step comes: a loop that only goes backward (Fisher information, saliency, a very long
accumulation) would else be sampled for ever."""


class SamplePlan:
    """Plans the samples: openings, then ever farther apart, and windows where something changes.

    The clock has no say in it, unless samples are truly dear: then they are thinned out in powers
    of two (`Budget.thinning`), and `on_thinned` is told.

    Args:
        budget: Says how dear samples are.
        opening: Length of an opening window, in iterations.
    """

    def __init__(self, budget: Budget, opening: int = OPENING) -> None:
        self.budget, self.opening = budget, opening
        self.next = 0
        """The first iteration, counted from 0, that is to be sampled again."""
        self.taken = 0
        self.last: int | None = None
        """The iteration that was sampled last."""
        self.began = 0
        """The first iteration of the last opening."""
        self.on_thinned: Callable[[int, int], None] | None = None
        """Told the iteration and the gap when samples are thinned out otherwise than before."""
        self._usual = usual = budget.share <= 0.01
        self._density = DENSITY if usual else min(DENSITY * budget.share / 0.01, DENSITY_AT_MOST)
        self._gap_at_least = 2 if usual else 1
        self._until = opening  # the end of the window that is open, or was last
        self._single: int | None = None  # an iteration that is wanted alone
        self._base = 0  # gaps grow with the iterations since this one
        self._stretch, self._number = opening, 0
        self._spread = 0  # samples taken outside of windows
        self._opened = opening  # iterations in openings so far
        self._windows: dict[str, int] = {}  # by cause: how many, where the last ends
        self._ends: dict[str, int] = {}
        self._again: dict[str, int] = {}
        self._thinned = 1

    def is_opening(self, iteration: int) -> bool:
        """Whether an iteration lies in an opening window."""
        return self.began <= iteration < self.began + self.opening

    def is_thorough(self, iteration: int) -> bool:
        """Whether the batch of a sampled iteration may be computed again: in all windows it is."""
        alone = iteration == self._single
        return iteration < self._until or alone or self._spread % THOROUGH == 0

    def is_full(self, iteration: int) -> bool:
        """Whether what is slow and changes little is measured: in an opening not each time."""
        return self._is_one_in(FULL_EACH, iteration)

    def is_repeated(self, iteration: int) -> bool:
        """Whether the batch is computed again after the step: in an opening not each time."""
        return self._is_one_in(AGAIN_EACH, iteration)

    def _is_one_in(self, each: int, iteration: int) -> bool:
        since = iteration - self.began
        later = self.is_opening(iteration) and since >= FULL_UP_TO and self._usual
        return self.is_thorough(iteration) and not (later and since % each)

    # -- windows ----------------------------------------------------------------------------------

    def open(self, iteration: int) -> bool:
        """Begins another opening with the iteration after this one: an optimizer is new."""
        again = self._again.get("opening", 0)
        few = self._opened < OPENINGS * self.opening
        if not few and iteration < again:
            return False
        self._again["opening"] = iteration + max(self.opening, iteration // 8)
        before = max(self.began + self.opening, iteration + 1)
        self.began = iteration + 1
        self._opened += self.began + self.opening - before
        self._widen(iteration + 1, self.opening)
        self.budget.open()
        if few:
            self._base, self._stretch = self.began, self._until
        return True

    def request(self, iteration: int, cause: str, length: int = DENSE) -> bool:
        """Asks that the iterations after this one be sampled without a gap, so many of them.

        Returns:
            Whether they will be; not where the same cause has had many windows, the last of them a
            short while ago.
        """
        count, again = self._windows.get(cause, 0), self._again.get(cause, 0)
        if iteration + length < self._until or (count and iteration + 1 < self._ends[cause]):
            return True
        if count >= WINDOWS and iteration < again:
            return False
        self._windows[cause], self._ends[cause] = count + 1, iteration + 1 + length
        self._again[cause] = iteration + max(length, iteration // 4)
        self._widen(iteration + 1, length)
        return True

    def request_one(self, iteration: int, cause: str) -> bool:
        """Asks for the iteration after this one alone, where things like it come again and again.

        Returns:
            Whether it will be sampled; not if one for the same cause is near, as for the plan.
        """
        if iteration < self._again.get(cause, 0):
            return False
        self._again[cause] = iteration + 1 + self._gap(iteration - self._base + SPREAD_FROM)
        if self._single is None or self._single <= iteration:
            self._single = iteration + 1
        self.next = min(self.next, iteration + 1)
        return True

    def _widen(self, begin: int, length: int) -> None:
        self._until = max(self._until, begin + length)
        self.next = min(self.next, begin)

    # -- samples ----------------------------------------------------------------------------------

    def sampled(self, iteration: int, own_s: float, whole_s: float, cpu_s: float) -> None:
        """Notes a sample and what it cost (`Budget.sampled`), and decides when the next is due."""
        self.taken += 1
        self.last = iteration
        self.budget.sampled(own_s, whole_s, cpu_s, opening=self.is_opening(iteration))
        self._spread += iteration >= self._until
        after = self._planned_after(iteration)
        if iteration + 1 < self._until:
            after = min(after, iteration + self._gap_within(iteration))
        if self._single is not None and self._single > iteration:
            after = min(after, self._single)
        self.next = after

    def _gap_within(self, iteration: int) -> int:
        """Returns the gap in a window: 1, unless the opening would take too long."""
        if not self.is_opening(iteration):
            return min(self.budget.thinning(), DENSE) if self.budget.is_dear else 1
        left = self.began + self.opening - iteration - 1
        early = iteration + 1 - self.began < DENSE
        gap = self.budget.opening_gap(left, early=early)
        self._tell(iteration, gap)
        return gap

    def _planned_after(self, iteration: int) -> int:
        thinning = 1
        if iteration + 1 >= self._until:
            thinning = self.budget.thinning()
            self._tell(iteration, thinning)
        while True:
            since = self._stretch - self._base
            gap = max(self._gap_at_least, self._gap(since), thinning)
            at = self._stretch + int(gap * (self._number * GOLDEN % 1))
            if at > iteration:
                return at
            self._stretch += gap
            self._number += 1

    def _gap(self, since: int) -> int:
        """Returns how far apart samples lie, so many iterations after their count began."""
        grown = since + (HALVED - 1) * max(since - HALVED_FROM, 0)
        return int((grown - SPREAD_FROM) / self._density)

    def _tell(self, iteration: int, gap: int) -> None:
        if gap != self._thinned:
            self._thinned = gap
            if self.on_thinned is not None:
                self.on_thinned(iteration, gap)
