"""The sweep of a range test: exponentially growing rates over the first steps of a script.

Not a trick that anyone trains with, so it has no name and no page: `assay lr` asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .effective import Rate, Rates

if TYPE_CHECKING:
    from ..stage import Stage

SPANS = {"SGD": (1e-5, 30.0), "ASGD": (1e-5, 30.0), "Rprop": (1e-5, 30.0)}
"""Where rates are looked for, by the optimizer's class."""
SPAN = (1e-6, 1.0)
"""The same for all others: their step does not grow with the gradient."""
BEYOND = (0.01, 10.0)
"""The span reaches from this to this share of the script's own rate, wherever that is."""
WINDOW = 0.04
"""The share of the steps over which the loss is averaged to tell whether it has exploded."""


class Sweep:
    """Sets the rate of step i to `low (high / low)^(i / (steps - 1))`, then ends the script.

    Groups, and further optimizers, keep their proportion to the largest rate of the optimizer that
    steps first. Schedulers are overruled, since the rate is set when a step begins. The script is
    ended after the last rate, or as soon as the loss has exploded: by the time its moving average
    has risen above the first one as far as it had fallen below it, and at least to twice the first.

    Args:
        asked: `steps`, and `low` and `high` unless they are to be chosen.
        loss: Gives the loss of the step under way.
        note: Is told, once, what is swept.
        stop: Ends the script, saying why.
        alone: Whether this process trains alone: others would wait for one that ends early.
    """

    def __init__(
        self,
        asked: Mapping[str, Any],
        loss: Callable[[], Any],
        note: Callable[..., None],
        stop: Callable[[str], object],
        alone: Callable[[], bool],
    ) -> None:
        self.steps = int(asked["steps"])
        self._asked = asked
        self.low = self.high = math.nan
        self._loss, self._note, self._stop, self._alone = loss, note, stop, alone
        self._leader: Any = None
        self._own, self._own_is_known = 1.0, False
        self._factor = 1.0
        self._done = 0
        self._sum = self._weight = 0.0
        self._first = self._best = math.nan

    def attach_to(self, stage: Stage) -> None:
        """Sets rates from now on, after all tricks that change them."""
        Rates.change(stage, self.change)

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Sets the rates of one step."""
        if self._leader is None:
            self._begin(optimizer, rates)
        if optimizer is self._leader:
            share = min(self._done / max(self.steps - 1, 1), 1.0)
            self._factor = self.low * (self.high / self.low) ** share / self._own
        for rate in rates:
            rate.now = (rate.base if self._own_is_known else 1.0) * self._factor

    def _begin(self, optimizer: Any, rates: list[Rate]) -> None:
        self._leader = optimizer
        own = max((rate.base for rate in rates), default=0.0)
        self._own_is_known = own > 0
        self._own = own or 1.0
        low, high = SPANS.get(type(optimizer).__name__, SPAN)
        if own > 0:
            low, high = min(low, BEYOND[0] * own), max(high, BEYOND[1] * own)
        first, last = self._asked.get("low"), self._asked.get("high")
        self.low = float(first or (min(low, last / 10) if last else low))
        self.high = float(last or max(high, 10 * self.low))
        self._note(low=self.low, high=self.high, steps=self.steps, own=own)

    def stepped(self, optimizer: Any) -> None:
        """Ends the script if the sweep is over; heard after the step has been recorded."""
        if optimizer is not self._leader:
            return
        self._done += 1
        loss = self._loss()
        if loss is not None and self._alone():
            self._judge(float(loss))
        if self._done >= self.steps:
            self._stop(f"sweep: all {self.steps} rates were tried")

    def skipped(self, optimizer: Any) -> None:
        """Ends the sweep: a GradScaler finds no finite gradient any more, no step will come."""
        loss = self._loss()
        if optimizer is self._leader and loss is not None and self._alone():
            self._judge(float(loss))

    def _judge(self, loss: float) -> None:
        if not math.isfinite(loss):
            self._stop(f"sweep: the loss was not finite after step {self._done}")
        window = max(self.steps * WINDOW, 2)
        keep = 1 - 1 / window
        self._sum = keep * self._sum + (1 - keep) * loss
        self._weight = keep * self._weight + (1 - keep)
        smooth = self._sum / self._weight
        if self._done <= window:
            self._first = self._best = smooth
        self._best = min(self._best, smooth)
        fallen = self._first - self._best
        if smooth > self._first + max(fallen, abs(self._first)):
            self._stop(f"sweep: the loss had exploded after step {self._done}")
