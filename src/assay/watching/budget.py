"""What observing costs, in one place, and what is thinned out because it is truly dear."""

from __future__ import annotations

import math
from collections import deque
from time import thread_time

DEAR_S = 0.05
"""A sample below this is never dear: those of the first hundred iterations take three seconds, all
of a run of 100,000 fifteen, and most take far less."""

STEPS_APART = 4.0
"""A dear sample that costs as much as a step is taken every fourth iteration at most, in the first
hundreds: later they are farther apart anyway."""

OPENING_S = 3.0
OPENING_STEPS = 16
"""An opening window may take so many seconds, or the time of so many steps without a sample,
whichever is longer: a short run is looked at closely whatever it costs (people wait three seconds
for a report anyway), and a long opening takes at most half as long again as it would alone."""

MEASUREMENT_S = 1.0
"""Dear measurements that take less follow the count of iterations alone."""

FEW_STEPS = 3.0
AT_FIRST = {"short": 24.0, "long": 24.0}
SHARE = {"short": 1 / 2000, "long": 1 / 1000}
"""What measurements after the openings may come to: so many steps for each opening, and this part
of the iterations so far. A step is a forward and a backward pass, so that it is known without a
clock. Those that cost up to `FEW_STEPS`, most of them questions, have a purse and a line of their
own: they would else empty that of a sharpness, or wait behind it until it can be paid."""

ASKS_AGAIN_WITHIN = 256, 1 / 4
"""Iterations, or part of those so far, after which one that waits for its turn, and asks no more,
loses its place."""

STEPS_AT_A_THIRD = 90.0
RARE = 1 / 32, 1 / 3
"""After an opening two measurements of one kind lie at least this part of the iterations since it
began apart, the latter for one that costs 30 steps; what they come to is then spread over the run.
`COST_APART` rules in short runs, and the purse in long ones."""

COST_APART = 30
"""Two measurements of one kind lie at least so many times the steps that one costs apart, and half
so many if it costs up to `FEW_STEPS`."""
MANY_APART = 16
"""The same of one that costs more, and yet no more than seconds."""

THINNING_AT_MOST = 1 << 30


class Budget:
    """Knows what steps, samples and dear measurements take, and thins out what is truly dear.

    Samples are planned by the count of iterations, and so are dear measurements, such as second
    derivatives. These ask by name each time (`grant`): they take turns in the order in which they
    asked first, at most one an iteration, and all together come to a share of the iterations at
    most, counted in passes of the model. Time has a say only where it is much, in powers of two
    and with slack on both sides. What samples and measurements take counts as the CPU time of this
    thread there, so that a busy machine changes nothing.

    Args:
        share: Of step time, that observing may take in the long run, 0 to 1.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.spent_s = self.opening_s = 0.0
        self._opened_s = 0.0  # of this opening alone, of CPU
        self._recent_s: deque[float] = deque(maxlen=16)
        self._samples_s: deque[float] = deque(maxlen=8)
        self._thinning = 1
        self._took_s: dict[str, float] = {}
        self._granted: dict[str, tuple[int, int]] = {}  # when, and how long after the opening
        self._waiting: dict[str, dict[str, int]] = {"short": {}, "long": {}}
        self._granted_in, self._granted_cpu_s = -1, 0.0
        self._asked: dict[str, float] = {}  # steps, by those that were granted
        self._steps = dict.fromkeys(AT_FIRST, 0.0)  # of measurements after openings
        self._openings, self._made = 1, set[str]()  # the latter since the last opening

    @property
    def plain_s(self) -> float:
        """Seconds of an iteration without a sample; 0 if not known yet."""
        return _median(self._recent_s)

    @property
    def sample_s(self) -> float:
        """Seconds of CPU that a sample costs, as far as it is seen; 0 if not known yet."""
        return _median(self._samples_s)

    def plain(self, seconds: float) -> None:
        """Notes what an iteration without a sample took."""
        self._recent_s.append(seconds)

    # -- samples --------------------------------------------------------------------------------

    def sampled(self, own_s: float, whole_s: float, cpu_s: float, *, opening: bool) -> None:
        """Notes what a sample cost, of an iteration that took `whole_s` with it.

        Args:
            own_s: By the clock.
            whole_s: The same of the whole iteration.
            cpu_s: CPU time of this thread.
            opening: Whether the iteration lies in an opening.
        """
        cpu_s = min(cpu_s, own_s)
        self._charge(own_s, cpu_s, opening=opening)
        self._samples_s.append(cpu_s)
        if opening:
            self.plain(max(whole_s - own_s, 1e-6))

    @property
    def is_dear(self) -> bool:
        """Whether samples are thinned out."""
        return self._thinning > 1

    def thinning(self) -> int:
        """Returns the least gap between samples, a power of two: 1 unless they are truly dear."""
        scale = 0.01 / self.share if self.share < 0.01 else 1.0
        wanted = 0.0
        if self.sample_s * scale > DEAR_S and self.plain_s:
            wanted = STEPS_APART * scale * self.sample_s / self.plain_s
        while wanted > 2 * self._thinning and self._thinning < THINNING_AT_MOST:
            self._thinning *= 2
        while self._thinning > 1 and wanted < self._thinning / 4:
            self._thinning //= 2
        return self._thinning

    def open(self) -> None:
        """Begins another opening, with time of its own."""
        self._opened_s = 0.0
        self._openings += 1
        self._made.clear()

    def opening_left_s(self) -> float:
        """Returns the seconds that this opening window may still take."""
        return max(OPENING_S, OPENING_STEPS * self.plain_s) - self._opened_s

    def opening_gap(self, left: int, *, early: bool) -> int:
        """Returns the gap in an opening with so many iterations left, a power of two.

        Args:
            left: Iterations of the opening that are still to come.
            early: These are its first ones: no gap, as long as there is time for one more.
        """
        affordable = self.opening_left_s() / max(self.sample_s, 1e-9)
        if affordable >= left or (early and affordable >= 1):
            return 1
        gap = 1
        while gap < left and left / gap > max(affordable, 0):
            gap *= 2
        return gap

    # -- dear measurements ------------------------------------------------------------------------

    def grant(
        self,
        who: str,
        iteration: int,
        *,
        began: int,
        opening: bool,
        steps: float,
    ) -> bool:
        """Whether this dear measurement may be made now.

        One whose turn it is waits until it can be paid, and so do those behind it in its line. The
        first of a kind after an opening is made whatever others have taken.

        Args:
            who: The name that it asks under, and is charged to.
            iteration: The one under way.
            began: The first of the last opening.
            opening: Whether the one under way lies in it.
            steps: What one costs, in steps without a sample.
        """
        within = max(ASKS_AGAIN_WITHIN[0], iteration * ASKS_AGAIN_WITHIN[1])
        line = self._waiting[_purse(steps)]
        for name in [name for name, at in line.items() if iteration - at > within]:
            del line[name]
        if not opening and iteration < self._due(who, steps):
            return False
        if opening and not self._fits(who, steps):
            return False
        line[who] = iteration  # keeps its place in the order if it had one
        if self._granted_in == iteration or next(iter(line)) != who:
            return False
        if not (opening or who not in self._made or self._affords(iteration, steps)):
            return False
        del line[who]
        self._granted_in, self._granted_cpu_s = iteration, thread_time()
        self._granted[who], self._asked[who] = (iteration, iteration - began), steps
        if not opening:
            self._made.add(who)
        return True

    def _affords(self, iteration: int, steps: float) -> bool:
        """Whether measurements like this one come to no more than their share with it."""
        purse = _purse(steps)
        share = SHARE[purse] * self.share / 0.01
        return self._steps[purse] + steps <= AT_FIRST[purse] * self._openings + share * iteration

    def _due(self, who: str, steps: float) -> int:
        """Returns the iteration from which on one that costs so many steps may be made again."""
        if who not in self._granted:
            return 0
        last, since = self._granted[who]
        spacing = self.spacing(who, steps)
        least = COST_APART // 2 if steps <= FEW_STEPS else COST_APART
        if steps > FEW_STEPS and spacing == 1:
            least = MANY_APART
        share = min(max(steps / STEPS_AT_A_THIRD, RARE[0]), RARE[1])
        return last + math.ceil(max(max(least, 2 * spacing) * steps, since * share))

    def _fits(self, who: str, steps: float) -> bool:
        """Whether one that is made in an opening would end soon."""
        return self._took_s.get(who, steps * self.plain_s) <= self.opening_left_s()

    def spacing(self, who: str, steps: float) -> int:
        """Returns how many times farther apart this measurement is made, for it takes seconds."""
        scale = 0.01 / self.share if self.share < 0.01 else 1.0
        seconds = scale * self._took_s.get(who, steps * self.plain_s)
        factor = 1
        while seconds > 2 * factor * MEASUREMENT_S and factor < THINNING_AT_MOST:
            factor *= 2
        return factor

    def charge(
        self, who: str, seconds: float, *, opening: bool, steps: float | None = None
    ) -> None:
        """Notes what a measurement that was granted took; of seconds the fewest so far count.

        Args:
            who: Its name.
            seconds: By the clock.
            opening: Whether it was made in an opening.
            steps: What it came to, if not what was asked for.
        """
        if not opening:
            asked = self._asked.get(who, 0.0)
            self._steps[_purse(asked)] += asked if steps is None else steps
        cpu_s = min(thread_time() - self._granted_cpu_s, seconds)
        self._took_s[who] = min(self._took_s.get(who, cpu_s), cpu_s)
        self._charge(seconds, cpu_s, opening=opening)

    def overhead(self, seconds: float) -> None:
        """Notes time of our own that belongs to no sample and to no dear measurement."""
        self.spent_s += seconds

    def _charge(self, seconds: float, cpu_s: float, *, opening: bool) -> None:
        self.spent_s += seconds
        if opening:
            self.opening_s += seconds
            self._opened_s += cpu_s


def _purse(steps: float) -> str:
    return "short" if steps <= FEW_STEPS else "long"


def _median(values: deque[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
