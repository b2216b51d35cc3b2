"""What a probe is that asks the model: when it measures, what that costs, and why it could not."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from time import perf_counter
from typing import Any, ClassVar

from ..watching.probe import Probe
from .replays import Replays
from .structure import NotReplayable

FORWARDS_PER_STEP = 3.0
"""A step is a forward pass and a backward pass, which takes about two of them."""

GROWTH = 1.5
"""Rare measurements lie at least this factor of the run so far apart, so that a run of any length
has few of them; the budget may space them further."""

EARLY = 16, 8
"""Parts of an opening window after which an early measurement is made: a run of ten steps has two.
The last one lies so far before the window's end that it does not put off the next one."""

TRIES = 3
"""Iterations in which a measurement that is due is tried: the first may be unlike all others."""


class When(Enum):
    """When a measurement is due."""

    FIRST_STEP = "before the first step"
    EARLY = "after a sixteenth and an eighth of each opening window"
    OPENING_END = "at the end of the opening window"
    AFTER_EVALUATION = "on the first forward pass of an evaluation, once more when they grow rare"
    RARELY = "ever more rarely after the opening window"


class Measurement(Probe):
    """Asks a model again, with one thing changed, and records what came of it.

    A subclass says what one measurement costs, when it is due, and what it measures:

        class BatchMatters(Measurement):
            name, forwards, at = "batch_matters", 2, (When.FIRST_STEP, When.OPENING_END)

            def measure(self, replays):
                first = next(iter(replays.inputs))
                ...
                yield "batch_matters", "", difference

    It is called after a backward pass, before the step, or right after a forward pass of an
    evaluation. `NotReplayable`, raised by what it asks, becomes "could not look: why" in the
    report, said once. It waits for its turn and for the budget like all dear measurements.
    """

    cost = "dear"
    forwards: ClassVar[float]
    at: ClassVar[tuple[When, ...]]
    sampled: ClassVar[tuple[str, ...]] = ("backward_end",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.replays: Replays = watch.shared(Replays)
        self._recorder = watch.new_recorder()
        self._done: set[When] = set()
        self._failures = 0
        self._early: list[int] = []
        self._opened = -1
        self._next = watch.opening
        self._next_evaluation = 0
        if When.AFTER_EVALUATION in self.at:
            watch.listen("mode", self._on_mode)
            watch.listen("evaluation_loss", self._on_evaluation_loss)

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        """Yields signals, their places and their values; may raise NotReplayable."""
        raise NotImplementedError

    def on_backward_end(self, roots: Any) -> None:
        """Measures the batch of a step, if that is due, once the weights have their gradients."""
        due = self._due() if self.watch.is_thorough else None
        if due is None or not self._granted():
            return
        began = perf_counter()
        measured = self._measure(self.watch.put)
        self._failures = 0 if measured else self._failures + 1
        if measured or self._failures == TRIES:
            self._done.add(due)
            self._early = self._early[due is When.EARLY :]
            self._failures = 0
        self._next = max(self._next, int(self.watch.iteration * GROWTH) + 1)
        self.replays.charge(perf_counter() - began)
        self.watch.charge(began)
        self.watch.spent(began - perf_counter())  # charged already: no part of the sample

    def _due(self) -> When | None:
        iteration = self.watch.iteration
        if When.FIRST_STEP in self.at and When.FIRST_STEP not in self._done:
            return When.FIRST_STEP
        if When.EARLY in self.at and self._is_early():
            return When.EARLY
        late = iteration + 1 >= self.watch.opening
        if late and When.OPENING_END in self.at and When.OPENING_END not in self._done:
            return When.OPENING_END
        return When.RARELY if When.RARELY in self.at and iteration >= self._next else None

    def _is_early(self) -> bool:
        began = self.watch.opening_began
        if began != self._opened:
            self._opened = began
            self._early = [began + self.watch.opening // part - 1 for part in EARLY]
        return bool(self._early) and self.watch.iteration >= self._early[0]

    def _granted(self) -> bool:
        return self.watch.grant(self.forwards / FORWARDS_PER_STEP)

    def _measure(self, put: Any) -> bool:
        try:
            for signal, place, value in self.measure(self.replays):
                put(signal, place, value)
        except NotReplayable as why:
            self.watch.skip(self.name, f"could not look: {why}")
            return False
        return True

    # -- evaluation -------------------------------------------------------------------------------

    def _on_mode(self, module: Any, training: bool) -> None:
        if not training:
            self._await_evaluation()

    def _on_evaluation_loss(self, *facts: Any) -> None:
        self._await_evaluation()  # of a script that does not call eval()

    def _await_evaluation(self) -> None:
        if self.watch.iteration >= self._next_evaluation:
            self.replays.await_evaluation(self._on_evaluation)

    def _on_evaluation(self) -> None:
        if not self._granted():
            return
        began = perf_counter()
        self._next_evaluation = int(self.watch.iteration * GROWTH) + 1
        self._measure(self._recorder.put)
        last = self.watch.trainings[-1] if self.watch.trainings else None
        if last is not None:
            self._recorder.close(last.index, last.step)
        self.replays.charge(perf_counter() - began)
        self.watch.charge(began)

    def finish(self) -> None:
        """Writes what has not arrived yet."""
        self._recorder.flush_arrived(wait=True)
