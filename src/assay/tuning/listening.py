"""Whether the script listens to what is searched: a few steps first, whole runs for suspects.

A trick that does not fit, an argument that the script does not take, and one that it takes and
ignores are told before the search, not after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..journal.reader import read_run
from ..journal.view import RunView
from ..launch.errors import LaunchError
from ..trials.change import same_losses
from ..trials.metric import main_training
from ..trials.plan import Candidate, Job, candidate_of
from ..trials.rehearsal import LONG, SECONDS, Stage
from ..trials.result import Result
from ..trials.runner import Runner
from .setting import Settings
from .space import Dimension, Value, some_tricks, written

STEPS = 5
"""The first loss can show another model, the second another update; a few more cost little."""


def rehearse(
    runner: Runner,
    settings: Settings,
    control: Result,
    view: RunView,
    steps: int | None,
    seconds: float | None,
) -> None:
    """Runs a few steps with all tricks, and with two values of each other dimension.

    Args:
        runner: Of the trial; its own results stay as they are.
        settings: Makes candidates.
        control: The script as it is.
        view: Its record.
        steps: Of each whole run; None for the whole script.
        seconds: What each may take.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; running children are ended first.
        LaunchError: A trick does not fit, or the script takes none of a dimension's values, or
            ignores them.
    """
    if control.state != "done":
        return  # what ends in an error of its own has nothing to be compared with
    stage = Stage.beside(runner, steps or LONG)
    tried = {
        dimension: [_with(settings, dimension, value) for value in two_of(dimension)]
        for dimension in settings.space
        if dimension.kind != "trick"
    }
    tricks = some_tricks(settings.space)
    if tricks:
        _fit(stage, candidate_of(tricks))
    stage.run([Job(c, 0, STEPS, SECONDS) for both in tried.values() for c in both])
    suspects = []
    for dimension, both in tried.items():
        jobs = [Job(candidate, 0, STEPS, SECONDS) for candidate in both]
        known = [stage.results[job] for job in jobs if job in stage.results]
        if known and all(result.state == "failed" for result in known):
            why = known[-1].why
            raise LaunchError(f"--search {dimension}: the script does not take it: {why}")
        views = [_view(stage, job) for job in jobs if job in stage.results]
        if views and all(_begin_alike(view, v) for v in views):
            suspects.append(dimension)
    for dimension in suspects:
        _whole(runner, settings, dimension, view, Job(tried[dimension][0], 0, steps, seconds))


def _fit(stage: Stage, tricks: Candidate) -> None:
    """Refuses tricks that do not fit the script: all are tried in one run, which names the one."""
    job = Job(tricks, 0, STEPS, SECONDS)
    stage.run([job])
    result = stage.results.get(job)
    if result is not None and result.state == "refused":
        raise LaunchError(f"--search: a trick does not fit: {result.why}")


def two_of(dimension: Dimension) -> list[Value]:
    """Returns two values that lie far apart."""
    ends: Sequence[Value] = dimension.choices or (dimension.low, dimension.high)
    both = [ends[0], ends[-1]]
    return [int(value) for value in both] if dimension.whole else both


def _with(settings: Settings, dimension: Dimension, value: Value) -> Candidate:
    alone = Settings((dimension,), settings.words, settings.folder)
    return alone.candidate({dimension.name: value})


def _whole(
    runner: Runner, settings: Settings, dimension: Dimension, view: RunView, like: Job
) -> None:
    """Refuses a dimension if whole runs are the same for two values, to the last bit."""
    for value in two_of(dimension):
        job = Job(_with(settings, dimension, value), 0, like.steps, like.seconds)
        runner.run([job])
        if job not in runner.results or same_losses(view, _view(runner, job))[0] is not True:
            return
    values = " and ".join(map(written, two_of(dimension)))
    raise LaunchError(
        f"--search {dimension}: the script ignores it: its losses are the same, to the last bit, "
        f"with {values} and without it"
    )


def _view(runner: Runner, job: Job) -> RunView:
    return runner.views.get(job) or read_run(Path(runner.results[job].folder))


def _begin_alike(whole: RunView, part: RunView) -> bool:
    """Whether the losses of a few steps are those with which a whole run began."""
    trainings = main_training(whole), main_training(part)
    if trainings[0] is None or trainings[1] is None:
        return False
    losses = [list(t.series("loss").between(0, STEPS)) for t in trainings if t is not None]
    if not losses[1] or len(losses[0]) < len(losses[1]):
        return False
    return all(
        (s, a) == (t, b) or (s == t and math.isnan(a) and math.isnan(b))
        for (s, a), (t, b) in zip(losses[0], losses[1], strict=False)
    )
