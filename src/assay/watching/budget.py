"""The time that observing may take, handed out in one place to all that ask for it."""

from __future__ import annotations

import math
from collections import deque
from time import perf_counter

EVERY_STEP_S = 15e-6
"""What any step costs beside a real model, sampled or not. Measured in benchmarks/overhead.py."""

UNSEEN = 1.3
"""A sampled step costs so many times what is seen of it: seams and colder caches are not timed.
Measured in benchmarks/overhead.py: 1.15 to 1.3."""

SAMPLES = 0.6
"""Share of the budget that samples are planned with: dear measurements come on top, and after a
sample torch finds its own caches cold. Measured in benchmarks/overhead.py."""

DEAR = 0.2
"""Share of the budget for all dear measurements together, however many there are."""

OPENING_S = 3.0
OPENING_STEPS = 16
"""The opening window may take so many seconds, or the time of so many steps without a sample,
whichever is longer: a short run is looked at closely whatever it costs (people wait three seconds
for a report anyway), and a long opening takes at most half as long again as it would alone."""

ASKS_AGAIN_WITHIN = 256
"""Iterations after which one that waits for its turn, and asks no more, loses its place."""


class Budget:
    """Knows what a step and a sample take, what was spent, and whether more may be.

    Samples are paid for by spacing them (`gap`). Dear measurements, such as second derivatives,
    ask by name each time (`grant`): they take turns in the order in which they asked first, at most
    one an iteration, so that their number changes how often each is made and not what all cost.

    Args:
        share: Of step time, that observing may take after the opening window, 0 to 1.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.spent_s = self.opening_s = 0.0
        self.sample_s = 0.0
        """What a sample costs, as far as it is seen."""
        self._recent_s: deque[float] = deque(maxlen=16)
        self._dear_s = 0.0
        self._since: float | None = None  # the first dear request after the opening window
        self._estimate_s: dict[str, float] = {}
        self._waiting: dict[str, int] = {}
        self._granted_in = -1

    @property
    def plain_s(self) -> float:
        """Seconds of an iteration without a sample; 0 if not known yet."""
        return sorted(self._recent_s)[len(self._recent_s) // 2] if self._recent_s else 0.0

    def plain(self, seconds: float) -> None:
        """Notes what an iteration without a sample took."""
        self._recent_s.append(seconds)

    # -- samples --------------------------------------------------------------------------------

    def sampled(self, own_s: float, whole_s: float, *, opening: bool) -> None:
        """Notes what a sample cost, of an iteration that took `whole_s` with it."""
        self._charge(own_s, opening=opening)
        if opening:
            self.plain(max(whole_s - own_s, 1e-6))
            self.sample_s = own_s
        else:
            # a slow sample counts at once, a fast one only by and by: never overspend
            self.sample_s = max(own_s, 0.7 * self.sample_s + 0.3 * own_s)

    def gap(self) -> int:
        """Iterations that earn one sample.

        Where steps are so short that what every step costs takes most of the budget, samples get a
        third of it all the same.
        """
        allowed_s = SAMPLES * self.share * self.plain_s
        allowed_s = max(allowed_s - EVERY_STEP_S, allowed_s / 3, 1e-9)
        return max(math.ceil(UNSEEN * self.sample_s / allowed_s), 1)

    def opening_left_s(self) -> float:
        """Returns the seconds that the opening window may still take."""
        return max(OPENING_S, OPENING_STEPS * self.plain_s) - self.opening_s

    # -- dear measurements ------------------------------------------------------------------------

    def grant(self, who: str, iteration: int, *, opening: bool, steps: float = 0.0) -> bool:
        """Whether this dear measurement may be made now.

        Args:
            who: The name that it asks under, and is charged to.
            iteration: The one under way.
            opening: Whether that lies in the opening window.
            steps: What the first one may cost, in steps without a sample; later ones cost what the
                last did.
        """
        self._waiting = {
            name: at for name, at in self._waiting.items() if iteration - at <= ASKS_AGAIN_WITHIN
        }
        self._waiting[who] = iteration  # keeps its place in the order if it had one
        if self._granted_in == iteration or next(iter(self._waiting)) != who:
            return False
        if not self._affords(self._estimate_s.get(who, steps * self.plain_s), opening=opening):
            return False
        del self._waiting[who]
        self._granted_in = iteration
        return True

    def _affords(self, seconds: float, *, opening: bool) -> bool:
        if opening:
            return seconds <= self.opening_left_s()
        now = perf_counter()
        if self._since is None:
            self._since = now
        return self._dear_s + seconds <= DEAR * self.share * (now - self._since)

    def charge(self, who: str, seconds: float, *, opening: bool) -> None:
        """Notes what a measurement that was granted took."""
        self._estimate_s[who] = seconds
        self._charge(seconds, opening=opening)
        if not opening:
            self._dear_s += seconds

    def overhead(self, seconds: float) -> None:
        """Notes time of our own that belongs to no sample and to no dear measurement."""
        self.spent_s += seconds

    def _charge(self, seconds: float, *, opening: bool) -> None:
        self.spent_s += seconds
        if opening:
            self.opening_s += seconds
