"""The rehearsal: one step with each candidate, since a refusal must not wait for whole runs."""

from __future__ import annotations

from collections.abc import Sequence

from .child import Child
from .plan import Candidate, Job
from .result import Result
from .runner import ProgressListener, Quiet, Runner

STEPS = 1
SECONDS = 60.0
"""A script that takes longer to its first step is not held up: it counts as one that fits."""
LONG = 1_000_000
"""Steps of the whole run, as a rehearsed trick is told, where nobody knows them yet."""


class _Rehearsing(Quiet):
    """Lets a listener see what is running, and nothing of what came of it."""

    def __init__(self, listener: ProgressListener) -> None:
        self._listener = listener

    def work(self, running: Sequence[Child], left: int) -> None:
        """Passes it on."""
        self._listener.work(running, left)


class Stage(Runner):
    """A runner of a few steps beside that of the trial, whose results stay as they are."""

    @classmethod
    def beside(cls, runner: Runner, length: int) -> Stage:
        """Makes one.

        Args:
            runner: Of the trial.
            length: Steps of a whole run, as tricks are told.
        """
        stage = cls(
            runner.command, runner.store, runner.folder, runner.jobs,
            _Rehearsing(runner.listener), fresh=runner.fresh, deadline=runner.deadline,
        )  # fmt: skip
        stage.length = length
        return stage

    def _may_be_chance(self, result: Result) -> bool:
        return False  # whole runs follow


def refusals(
    runner: Runner, candidates: Sequence[Candidate], steps: int | None
) -> dict[Job, Result]:
    """Returns the first runs of those candidates that do not fit the script.

    Args:
        runner: Of the trial; its own results stay as they are.
        candidates: Those of the trial; the placebo always fits.
        steps: Of each whole run, if it is known.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; running children are ended first.
        LaunchError: A child can't be started.
    """
    stage = Stage.beside(runner, steps or LONG)
    stage.run([Job(c, 0, STEPS, SECONDS) for c in candidates if not c.is_placebo])
    return {job: result for job, result in stage.results.items() if result.state == "refused"}
