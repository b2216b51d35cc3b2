"""The state of one optimizer's accumulation window."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

Agree = Callable[["Window", float, float, float], Sequence[float]]


class Window:
    """Counts the backward passes and targets since an optimizer's last real step.

    Args:
        size: how many of the script's steps make a real one.
        optimizer: whose window it is; None once it is gone.
    """

    def __init__(self, size: int, optimizer: Callable[[], Any]) -> None:
        self.size, self.optimizer = size, optimizer
        self.passes = 0
        self.out_of_turn = False
        self._steps_held = 0
        self.steps = 0  # those that the passes belong to
        self._fresh = 0  # passes since the script last wanted to step
        self._other_came_between = False
        self.reference: float | None = None
        """Targets of a pass that are divided by the size alone; None for those of each window's
        first pass. Ranks whose gradients are averaged need one number for all of them."""
        self._reference = 1.0
        self._targets = 0.0
        self._averaged = False

    @property
    def divisor(self) -> float:
        """What the window's losses were divided by, times their targets."""
        return self._reference * self.size

    @property
    def pending(self) -> bool:
        """Whether gradients that must not be cleared are being gathered."""
        return self._steps_held > 0

    @property
    def will_hold(self) -> bool:
        """Whether the step of the batch that comes next will be held back."""
        return self._steps_held + 1 < self.size

    @property
    def filling(self) -> bool:
        """Whether the script's next step will be held back."""
        return self.will_hold and self.passes > 0

    def add(self, targets: float) -> float:
        """Notes a backward pass over so many targets; returns what its loss is divided by.

        That is the size for as many targets as the first pass has; if all have, the sum is the
        mean. Else `average` makes it the mean.
        """
        if self.passes == 0:
            self._reference = self.reference or targets or 1.0
        self.steps += self._fresh == 0
        self._fresh += 1
        self.passes += 1
        self.out_of_turn |= self._other_came_between
        self._targets += targets
        return self.size * (self._reference / targets) if targets else math.inf

    def ready(self, agree: Agree) -> bool:
        """Whether the window is full, as the script wants to step; then averages the gradient."""
        self._steps_held += 1
        self._fresh, self._other_came_between = 0, False
        if self._steps_held < self.size:
            return False
        self.average(agree)
        self.begin()
        return True

    def one_steps(self) -> None:
        """Notes a step; if another optimizer's, what comes after it is of another batch."""
        self._other_came_between = self._fresh > 0

    def average(self, agree: Agree) -> None:
        """Turns the sum over the window into the mean over its targets, once.

        Several passes of one step are its batch in parts, or several losses of it: they count as
        one, since the script itself has divided what is to be divided.

        Args:
            agree: says over how many targets, passes and steps, on how many ranks, it is taken.
        """
        import torch

        optimizer = self.optimizer()
        if self._averaged or self.passes == 0 or optimizer is None:
            return
        self._averaged = True
        targets, passes, steps, ranks = agree(self, self._targets, self.passes, self.steps)
        factor = self._reference * self.size * ranks / targets if targets else 0.0
        factor *= passes / steps
        if factor == 1.0:
            return
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        if gradients:
            with torch.no_grad():
                torch._foreach_mul_(gradients, factor)

    def flush(self) -> bool:
        """Makes the rest of a window ready to be stepped; False if there is none."""
        if not self.pending:
            return False
        self._steps_held = self.size - 1
        return True

    def begin(self) -> None:
        """Forgets what has been gathered."""
        self.passes = self.steps = self._fresh = self._steps_held = 0
        self._targets, self._averaged = 0.0, False


class Windows:
    """The windows of all optimizers, as long as these live."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[int, Window] = {}  # by identity: asked several times a step

    def cover(self, optimizer: Any) -> None:
        """Begins a window for one more."""
        key = id(optimizer)
        known = weakref.ref(optimizer, lambda _: self._known.pop(key, None))
        self._known[key] = Window(self._size, known)

    def of(self, owner: Any) -> Window | None:
        """Returns this optimizer's window; None for anything else."""
        return self._known.get(id(owner))

    @property
    def pending(self) -> bool:
        """Whether any of them is."""
        return any(known.pending for known in self.all())

    def all(self) -> tuple[Window, ...]:
        """Returns the windows of all live optimizers."""
        return tuple(self._known.values())
