"""Takes points from a study, runs them, and tells the study what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..launch.processes import began
from ..trials.child import Child
from ..trials.plan import Job
from ..trials.result import Result
from ..trials.runner import Runner
from ..tricks.base import TrickError
from .outcome import outcome
from .pruning import Watch
from .setting import Settings
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
        enough: Whether no more points are to be asked for.
        standing: Hears that a point has ended.
    """

    def __init__(
        self,
        runner: Runner,
        study: Study,
        settings: Settings,
        terms: Terms,
        enough: Callable[[], bool],
        standing: Callable[[], None],
    ) -> None:
        self._runner, self._study, self._settings, self._terms = runner, study, settings, terms
        self._enough, self._standing = enough, standing
        self._waiting: dict[Job, list[int]] = {}
        self._watch = Watch(study, terms.metric, terms.length, self._numbers)

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

    def tell(self, number: int, result: Result) -> None:
        """Tells the study what came of a trial."""
        value, why = outcome(result, self._terms)
        self._study.tell(
            number, value, why, folder=result.folder, seconds=result.seconds, state=result.state
        )

    def job(self, number: int, point: object) -> Job | None:
        """Returns the run of a trial's point; None, and the study is told, where there is none."""
        try:
            candidate = self._settings.candidate(point)  # type: ignore[arg-type]
        except TrickError as error:
            self._study.tell(number, None, str(error))
            return None
        return Job(candidate, SEED, self._terms.steps, self._terms.limit)

    def _more(self) -> list[Job]:
        while not self._enough():
            asked = self._study.ask_within(self._terms.runs)
            if asked is None:
                return []
            job = self.job(*asked)
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
        self.tell(numbers.pop(0), result)
        self._standing()
        return self._more()

    def _started(self, child: Child) -> None:
        for number in self._numbers(child.job)[:1]:
            self._study.runs_in(number, child.pid, began(child.pid))

    def _numbers(self, job: Job) -> list[int]:
        return self._waiting.get(job, [])
