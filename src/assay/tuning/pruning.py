"""Ends runs that have come to nothing, or that a pruner gives up, while they are under way."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from ..journal.follow import Follower
from ..journal.view import RunView
from ..signals.evaluations import main_evaluations
from ..trials.child import Child
from ..trials.metric import HELD_OUT, TRAINING, main_training
from ..trials.plan import Job
from .pruners import MARKS

if TYPE_CHECKING:
    from .study import Study

LOST = 20
"""Losses in a row that are not finite: a skipped step, or a few, a run can come back from."""
EVERY_S = 1.0
"""So often a run under way is looked at."""


class Watch:
    """Looks at runs under way.

    Args:
        study: Compares a run with those before it, if it has a pruner.
        metric: What is made small.
        length: Steps of the script as it is.
        numbers: Returns the trials of a job, the first of which it is run for.
    """

    def __init__(
        self, study: Study, metric: str, length: int, numbers: Callable[[Job], list[int]]
    ) -> None:
        self._study, self._metric, self._length, self._numbers = study, metric, length, numbers
        self._followed: dict[Path, tuple[Follower, float]] = {}

    def why(self, child: Child) -> str:
        """Returns why a run is to be ended now; empty to let it go on."""
        follower, last = self._followed.get(child.path) or (Follower(child.path), 0.0)
        if time.monotonic() - last < EVERY_S:
            return ""
        self._followed[child.path] = follower, time.monotonic()
        with contextlib.suppress(OSError):
            view, news = follower.read()
            if news:
                return _lost(view) or self._given_up(child.job, view)
        return ""

    def ended(self, job: Job, view: RunView) -> None:
        """Reports what a run that has ended had come to on its way, for others to be compared."""
        if self._study.prunes and (numbers := self._numbers(job)):
            for mark, value in self._marks(job, view):
                self._study.report(numbers[0], mark, value)

    def _given_up(self, job: Job, view: RunView) -> str:
        numbers = self._numbers(job)
        if not self._study.prunes or not numbers:
            return ""
        for mark, value in self._marks(job, view):
            self._study.report(numbers[0], mark, value)
            if self._study.gives_up(numbers[0]):
                share = f"{mark} of {MARKS} parts of the steps"
                known = (
                    f"a {self._metric} of {value:.4g}" if math.isfinite(value) else "no finite loss"
                )
                return f"given up by the pruner after {share}, with {known}"
        return ""

    def _marks(self, job: Job, view: RunView) -> Iterator[tuple[int, float]]:
        """Yields (tenths, metric) for all tenths of the steps that are over, but the last."""
        training = main_training(view)
        if training is None:
            return
        length = math.ceil(self._length / job.candidate.batches_per_step)
        losses = training.series("loss")
        evaluations = main_evaluations(view.trainings) if self._metric == HELD_OUT else []
        for mark in range(1, MARKS):
            begin, end = length * (mark - 1) // MARKS, length * mark // MARKS
            if not len(losses) or losses.steps[-1] < end or begin == end:
                return
            if self._metric == TRAINING:
                values = list(losses.between(begin, end).values)
            else:
                values = [e.loss for e in evaluations if e.step <= end and e.loss is not None][-1:]
            if values:
                finite = all(map(math.isfinite, values))
                yield mark, fmean(values) if finite else math.inf


def _lost(view: RunView) -> str:
    """Says that a run has diverged for good."""
    training = main_training(view)
    losses = [] if training is None else list(training.series("loss"))[-LOST:]
    if len(losses) < LOST or any(math.isfinite(value) for _, value in losses):
        return ""
    return f"diverged: the last {LOST} losses were not finite"
