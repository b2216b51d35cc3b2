"""Ends runs that have come to nothing, or that a pruner gives up, while they are under way."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from ..checks.base import Check
from ..diagnosis import diagnose
from ..journal.follow import Follower
from ..journal.view import RunView
from ..signals.evaluations import main_evaluations
from ..trials.child import Child
from ..trials.metric import HELD_OUT, TRAINING, main_training
from ..trials.plan import Job
from .pruners import MARKS, SEEDWISE
from .terms import Terms

if TYPE_CHECKING:
    from .study import Study

LOST = 20
"""Losses in a row that are not finite: a skipped step, or a few, a run can come back from."""
FIRST = 32
"""Steps after which a run under way is first judged: those that are looked at without a gap."""
EVERY_S = 1.0
"""So often a run under way is looked at."""


class Watch:
    """Looks at runs under way.

    Args:
        study: Compares a run with those before it, if it has a pruner.
        terms: Of the search.
        checks: Those whose exact finding ends a run.
        numbers: Returns the trials of a job, the first of which it is run for.
    """

    def __init__(
        self,
        study: Study,
        terms: Terms,
        checks: Sequence[Check],
        numbers: Callable[[Job], list[int]],
    ) -> None:
        self._study, self._metric, self._length = study, terms.metric, terms.length
        self._numbers = numbers
        self.checks = [c for c in checks if not c.is_effect and c.name not in terms.broken]
        self._followed: dict[Path, tuple[Follower, float]] = {}
        self._judged: dict[Path, tuple[int, str]] = {}

    def why(self, child: Child) -> str:
        """Returns why a run is to be ended now; empty to let it go on."""
        follower, last = self._followed.get(child.path) or (Follower(child.path), 0.0)
        if time.monotonic() - last < EVERY_S:
            return ""
        self._followed[child.path] = follower, time.monotonic()
        with contextlib.suppress(OSError):
            view, news = follower.read()
            if news:
                return _lost(view) or self._broken(child, view) or self._given_up(child.job, view)
        return ""

    @property
    def _compares(self) -> bool:
        return self._study.pruner not in ("none", SEEDWISE)

    def _broken(self, child: Child, view: RunView) -> str:
        """Says that a run has met an exact finding, twice, so that it is no matter of a moment.

        It is judged each time that its steps have doubled, which costs little of any run.
        """
        last, before = self._judged.get(child.path, (FIRST // 2, ""))
        if view.steps < 2 * last:
            return ""
        findings = (
            finding
            for finding in diagnose(view, self.checks).findings
            if finding.tier == "exact" and finding.severity != "note" and not finding.preview
        )
        found = next(findings, None)
        self._judged[child.path] = view.steps, found.check if found else ""
        if found is None or found.check != before:
            return ""
        where = f" ({found.where})" if str(found.where) else ""
        return f"exact finding: {found.check}{where}: {found.summary}"

    def ended(self, job: Job, view: RunView) -> None:
        """Reports what a run that has ended had come to on its way, for others to be compared."""
        if self._compares and (numbers := self._numbers(job)):
            for mark, value in self._marks(job, view):
                self._study.report(numbers[0], mark, value)

    def _given_up(self, job: Job, view: RunView) -> str:
        numbers = self._numbers(job)
        if not self._compares or not numbers:
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
