"""Takes points from a study, runs them, and tells the study what came of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..launch.processes import began
from ..trials.child import Child
from ..trials.plan import Job
from ..trials.result import Result
from ..trials.runner import Runner
from ..tricks.base import TrickError
from .metric import Metric
from .outcome import outcome
from .pruners import SEEDWISE
from .pruning import Watch
from .setting import Settings
from .space import Point
from .study import Study
from .terms import Terms

SEED = 0
"""Every point is run with the script's own seed; fresh seeds prove the best of them."""


class Points:
    """The work of one process on a study; others may do the same at the same time.

    Args:
        runner: Makes the runs.
        study: Is asked and told.
        settings: Makes candidates of points.
        terms: Of the search.
        others: What is made small beside the first metric.
        enough: Whether no more points are to be asked for.
        standing: Hears that a point has ended.
    """

    def __init__(
        self,
        runner: Runner,
        study: Study,
        settings: Settings,
        terms: Terms,
        others: Sequence[Metric],
        enough: Callable[[], bool],
        standing: Callable[[], None],
    ) -> None:
        self._runner, self._study, self._settings, self._terms = runner, study, settings, terms
        self._others, self._enough, self._standing = others, enough, standing
        self._waiting: dict[Job, list[int]] = {}
        self._results: dict[int, list[Result]] = {}
        self._begun: dict[Job, float] = {}
        self._begins: list[float] = []
        self._ends: list[float] = []
        self.run_seconds = 0.0
        """Of all runs that ended here."""
        self._watch = Watch(study, terms, runner.command.checks, self._numbers)

    def work(self) -> None:
        """Runs points, several at a time, until all have been asked for.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM; running children are ended first.
            LaunchError: A child can't be started, or the study not be written.
        """
        self._runner.doubt, self._runner.started = self._watch.why, self._started
        try:
            first = [job for _ in range(self._runner.jobs) for job in self._more()]
            self._runner.run(first, self._told)
        finally:
            self._runner.doubt = self._runner.started = None

    def tell(self, number: int, results: Sequence[Result]) -> None:
        """Tells the study what came of a trial.

        Args:
            number: The trial's.
            results: Its runs, one a seed.
        """
        values, why = outcome(results, self._terms, self._others)
        last = results[-1]
        if self._study.pruner == SEEDWISE:
            for seed, result in enumerate(results):
                value = result.measured.values.get(self._terms.metric, math.nan)
                if math.isfinite(value):
                    self._study.report(number, seed, value)
        seconds = sum(result.seconds for result in results)
        self._study.tell(number, values, why, folder=last.folder, seconds=seconds, state=last.state)

    def _job(self, number: int, point: Point) -> Job | None:
        """Returns the first run of a point; None, and the study is told, where there is none."""
        try:
            candidate = self._settings.candidate(point)
        except TrickError as error:
            self._study.tell(number, None, str(error))
            return None
        return Job(candidate, SEED, self._terms.steps, self._terms.limit)

    def _more(self) -> list[Job]:
        while not self._enough():
            asked = self._study.ask_within(self._terms.runs)
            if asked is None:
                return []
            job = self._job(*asked)
            if job is not None:
                self._waiting.setdefault(job, []).append(asked[0])
                return [job]
        return []

    def _told(self, job: Job, result: Result) -> Sequence[Job]:
        numbers = self._waiting.get(job)
        if not numbers:
            return ()
        if job in self._runner.views:
            self._watch.ended(job, self._runner.views[job])
        if job in self._begun and not result.resumed:
            self._ends.append(self._begun.pop(job) + result.seconds)
            self.run_seconds += result.seconds
        number = numbers.pop(0)
        results = self._results.setdefault(number, [])
        results.append(result)
        following = self._next_seed(number, job, results)
        if following is not None:
            self._waiting.setdefault(following, []).append(number)
            return [following]
        del self._results[number]
        self._standing()
        return self._more()

    def _next_seed(self, number: int, job: Job, results: Sequence[Result]) -> Job | None:
        """Returns a point's run with the next seed; None, and the study is told, after the last."""
        values, why = outcome(results[-1:], self._terms, self._others)
        seeds = self._terms.seeds
        if values is not None and len(results) < seeds:
            if self._study.pruner != SEEDWISE:
                return replace(job, seed=job.seed + 1)
            self._study.report(number, job.seed, values[0])
            if not self._study.gives_up(number):
                return replace(job, seed=job.seed + 1)
            why = f"given up by the pruner after {len(results)} of {seeds} seeds"
            self._study.tell(number, None, why, folder=results[-1].folder,
                             seconds=sum(r.seconds for r in results))  # fmt: skip
            return None
        self.tell(number, results)
        return None

    @property
    def own_seconds(self) -> float:
        """How long places for a run stood empty between one and the next: what tuning takes."""
        following = sorted(self._begins)[self._runner.jobs :]
        pairs = zip(sorted(self._ends), following, strict=False)
        return sum(max(begin - end, 0.0) for end, begin in pairs)

    def _started(self, child: Child) -> None:
        self._begun[child.job] = child.started
        self._begins.append(child.started)
        for number in self._numbers(child.job)[:1]:
            self._study.runs_in(number, child.pid, began(child.pid))

    def _numbers(self, job: Job) -> list[int]:
        return self._waiting.get(job, [])
