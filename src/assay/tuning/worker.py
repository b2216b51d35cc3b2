"""A worker: one more process that runs the points of a search which another has begun."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..launch.errors import LaunchError
from ..trials.child import Command
from ..trials.metric import shown
from ..trials.result import content_hash
from ..trials.runner import Runner
from .metric import higher, read_metrics
from .points import Points
from .setting import Settings
from .space import read_space
from .study import Study
from .terms import Terms

LOOK_S = 0.5
"""So often a worker with nothing to do looks whether another has died."""


class Worker:
    """Works on a study until its points have been tried, or the search is over.

    Args:
        study: Which one.
        facts: What was asked of it.
        runner: Makes the runs.
        standing: Hears how it stands, in one line.
    """

    def __init__(
        self,
        study: Study,
        facts: Mapping[str, Any],
        runner: Runner,
        standing: Callable[[str], None],
    ) -> None:
        self._study, self._runner, self._standing = study, runner, standing
        words = tuple(map(str, facts["command"]))
        space = read_space(facts["search"])
        self._settings = Settings(space, words, study.folder / "files")
        first, self._others = read_metrics(facts.get("metric") or [])
        if first is not None:
            runner.measure = first.of
        self._metric = ""
        self.told = 0
        """So many points have ended here."""

    def work(self) -> None:
        """Runs points.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM; its point is left to others.
            LaunchError: The search has not begun, or its script is another one here.
        """
        study = self._study
        told = study.recall("terms")
        if told is None:
            raise LaunchError(
                f"--worker: the search of {study.folder} has not come to its points yet: its "
                "script is run as it is first"
            )
        terms = Terms.from_dict(told)
        self._runner.length, self._metric = terms.length, terms.metric
        _same_sources(terms)
        points = Points(
            self._runner, study, self._settings, terms, self._others, self._over, self._ended
        )
        try:
            while not self._over():
                points.work()
                if not study.busy():
                    return
                time.sleep(LOOK_S)
        finally:
            study.leave()

    def _over(self) -> bool:
        return not self._study.recall("open")

    def _ended(self) -> None:
        self.told += 1
        last = max((t for t in self._study.tried() if t.folder), key=lambda t: t.number)
        value = None if last.value is None else shown(self._metric, last.value)
        said = last.why if value is None else f"{self._metric} {value:.4g}"
        self._standing(f"point {last.number}: {said}")


def _same_sources(terms: Terms) -> None:
    """Refuses a script that is not the one that the search began with.

    On another machine it may lie in another folder: then the file of the same name beside us.
    """
    for path, known in terms.sources.items():
        here = Path(path) if Path(path).exists() else Path(path).name
        found = content_hash(str(here))
        if found and found != known:
            raise LaunchError(f"--worker: {here} is not the file that the search began with")


def join(folder: Path, facts: Mapping[str, Any], standing: Callable[[str], None],
         checks: tuple[Any, ...], base: Path | None, address: str | None) -> Worker:  # fmt: skip
    """Returns a worker on the study in a folder.

    Args:
        folder: The study's.
        facts: What was asked of it.
        standing: Hears how it stands.
        checks: What its runs are reviewed with.
        base: The folder of all trials, if not the usual one.
        address: Of a server on which the study is kept.
    """
    from ..trials.store import Store

    space = read_space(facts["search"])
    study = Study(folder, space, facts["sampler"], int(facts["seed"]), int(facts.get("runs", 1)),
                  facts["pruner"], address, higher(facts.get("metric") or []))  # fmt: skip
    words = tuple(map(str, facts["command"]))
    command = Command(words, facts.get("python"), facts.get("threads"), checks)
    runs = folder / "runs" / study.worker
    with contextlib.suppress(OSError):
        runs.mkdir(parents=True, exist_ok=True)
    return Worker(study, facts, Runner(command, Store(base), runs), standing)
