"""The search as a trial's strategy: the script as it is, the points, and a proof of the best."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from ..journal.reader import read_run
from ..journal.view import RunView
from ..launch.errors import LaunchError
from ..trials.accounts import Accounts
from ..trials.metric import HELD_OUT, TRAINING, comparable
from ..trials.plan import CONTROL, Budget, Candidate, Job
from ..trials.result import Result
from ..trials.runner import Runner
from ..trials.strategies import Strategy
from .facts import same_script, write_facts
from .helping import helpers
from .listening import rehearse
from .metric import higher, read_metrics
from .own import own_point
from .points import SEED, Points
from .setting import Settings
from .space import Dimension, some_tricks
from .storage import shown
from .study import Study
from .terms import Terms
from .tuned import Tuned

LOOK_S = 0.5
"""So often it is looked whether another worker has ended, or died."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search is asked to do.

    Attributes:
        space: What is searched; empty: what `suggest` says for the record of a run.
        words: The user's command.
        folder: The study's.
        sampler, seed: How points are chosen.
        runs: How many points, the script's own among them.
        pruner: When a run is given up on its way.
        metrics: What is made small, as the user wrote it; the first is what is proved.
        repeat: With how many seeds each point is run.
        suggest: Gives a space for a record, where the user gave none.
        address: Of a server on which the study is kept; None: in its folder.
        workers: How many processes run points, this one among them.
        engine: One of `ENGINES`, where the others run.
        standing: Is told how it stands, in one line.
    """

    space: tuple[Dimension, ...]
    words: tuple[str, ...]
    folder: Path
    sampler: str
    seed: int
    runs: int
    pruner: str
    metrics: tuple[str, ...]
    suggest: Callable[[RunView], tuple[Dimension, ...]]
    repeat: int = 1
    address: str | None = None
    workers: int = 1
    engine: str = "here"
    standing: Callable[[str], None] = field(default=lambda text: None)


class Search(Strategy):
    """Runs the script as it is, then point after point, then the best one on fresh seeds.

    Args:
        accounts: Of the trial.
        runner: Makes the runs.
        budget: What they may cost; `budget.seeds` fresh ones prove the best point.
        asked: What is searched, and how.
    """

    def __init__(self, accounts: Accounts, runner: Runner, budget: Budget, asked: Asked) -> None:
        super().__init__(accounts, runner, budget)
        self._asked = asked
        self._metric, others = read_metrics(asked.metrics)
        self.tuned = Tuned(asked.folder, asked.space, asked.sampler, asked.seed, others)
        self.tuned.repeat = asked.repeat
        self._facts: dict[str, Any] = {}
        self._settings = Settings(asked.space, asked.words, asked.folder / "files")

    def work(self) -> None:
        """Makes the runs; `KeyboardInterrupt` ends it early, and all is kept."""
        if self._metric is not None:
            self._runner.measure = self._metric.of
        sets = self._asked.repeat * self._asked.runs / self._budget.seeds + 2
        if not self._first_control(math.ceil(sets)):
            return
        control = self._runner.results[self._job(CONTROL, SEED)]
        view = self._view(self._job(CONTROL, SEED))
        space = self._space(view)
        controls = self._controls()
        if not space or len(controls) < self._asked.repeat or not self._measurable(controls):
            return
        if self.trial.steps is not None and self._budget.steps is None:
            self.tuned.cautions.append(
                f"each run was cut after {self.trial.steps} steps, for the time there was: what is "
                "best for so many need not be best for all (--minutes gives more)"
            )
        if control.broken:
            self.tuned.cautions.append(
                f"the script as it is has a fault of its own, {', '.join(control.broken)}: "
                "`assay fix` mends it, and what is best before need not be best after"
            )
        if self._asked.pruner != "none" and self.tuned.metric not in (HELD_OUT, TRAINING):
            raise LaunchError(
                f"--pruner {self._asked.pruner} compares losses on their way, and what is made "
                f"small is the {self.tuned.metric}: leave it out"
            )
        asked = self._asked
        study = Study(
            asked.folder, space, asked.sampler, asked.seed, asked.runs, asked.pruner,
            asked.address, higher(asked.metrics),
        )  # fmt: skip
        same_script(study, control, self.trial.steps)
        study.remember("facts", self._facts)
        if study.recall("rehearsed") is None:
            rehearse(self._runner, self._settings, control, view, self.trial.steps, self._limit)
            study.remember("rehearsed", value=True)
        terms = Terms.of(controls, self.tuned.metric, self.trial.steps, self._limit, asked.runs)
        points = Points(
            self._runner, study, self._settings, terms, self.tuned.others,
            lambda: self._proof_is_due(control), lambda: self._stand(study),
        )  # fmt: skip
        try:
            self._try_own(study, points, controls, view)
            study.remember("terms", terms.as_dict())
            self._search(study, points, control)
        finally:
            self.tuned.tried = study.tried()
            self.tuned.best = self._best(study)
            study.leave()
        self._prove()

    def _space(self, view: RunView) -> tuple[Dimension, ...]:
        """Returns the space that was given, or one that the record of the control suggests."""
        space = self._asked.space
        if not space:
            space = self._asked.suggest(view)
            if not space:
                self.trial.trouble = (
                    "no optimizer of torch took a step, so there is no space to suggest: "
                    "say what is to be searched, as in --search arg:--width=16,32,64"
                )
            self.tuned.space = space
            self._settings = Settings(space, self._asked.words, self._asked.folder / "files")
        address = self._asked.address
        self._facts = {
            "schema": 1,
            "command": list(self._asked.words),
            "search": [str(dimension) for dimension in space],
            "sampler": self._asked.sampler,
            "seed": self._asked.seed,
            "steps": self.trial.steps,
            "pruner": self._asked.pruner,
            "metric": list(self._asked.metrics),
            "repeat": self._asked.repeat,
            "runs": self._asked.runs,
            "python": self._runner.command.python,
            "threads": self._runner.command.threads,
            "folder": os.getcwd(),
            "storage": None if address is None else shown(address),
        }
        write_facts(self._asked.folder, self._facts)
        return space

    def _controls(self) -> list[Result]:
        """Returns the script as it is on every seed of the search, as far as there was time."""
        jobs = [self._job(CONTROL, seed) for seed in range(self._asked.repeat)]
        self._runner.run(jobs[1:])
        return [self._runner.results[job] for job in jobs if job in self._runner.results]

    def _measurable(self, controls: Sequence[Result]) -> bool:
        """Settles what is made small: a kind that every trick of the space leaves comparable."""
        tuned, control = self.tuned, controls[0]
        kinds = [
            k for k in control.measured.values if all(k in c.measured.values for c in controls)
        ]
        if self._metric is not None and self._metric.kind not in kinds:
            raise LaunchError(self._metric.missing(control))
        for metric in tuned.others:
            if math.isnan(metric.value(control)):
                raise LaunchError(metric.missing(control))
        tricks = some_tricks(tuned.space)
        tuned.metric, caution = comparable(tricks, kinds)
        if not tuned.metric:
            self.trial.trouble = "no loss was seen: the script calls no backward() on one number"
            return False
        if caution:
            tuned.cautions.append(caution)
        tuned.control = fmean(control.measured.values[tuned.metric] for control in controls)
        return True

    def _try_own(
        self, study: Study, points: Points, controls: Sequence[Result], view: RunView
    ) -> None:
        """Tells the study the script's own setting first, if it lies in the space."""
        if study.recall("own") is not None:
            return
        point = own_point(self._settings, view)
        study.remember("own", {} if point is None else dict(point))
        if point is not None:
            points.tell(study.ask_for(point), controls)

    def _search(self, study: Study, points: Points, control: Result) -> None:
        """Runs points, and waits for those of other workers; what a dead one had is run here."""
        began, asked = time.monotonic(), self._asked
        jobs = self._runner.jobs
        options = [] if asked.address is None else ["--storage", asked.address]
        study.remember("open", value=True)
        try:
            with helpers(asked.engine, asked.folder, asked.workers - 1, options):
                self._runner.jobs = jobs if asked.workers == 1 else 1
                points.work()
                while study.busy() and not self._proof_is_due(control):
                    time.sleep(LOOK_S)
                    self._stand(study)
                    points.work()
        finally:
            study.remember("open", value=False)
            self.tuned.own_seconds, self.tuned.run_seconds = points.own_seconds, points.run_seconds
            self._runner.jobs = jobs
            self.tuned.search_seconds = time.monotonic() - began
        tried = sum(tried.state != "left" for tried in study.tried())
        if tried < asked.runs:
            self.tuned.cautions.append(
                f"{tried} of {asked.runs} points were tried before the time for the search "
                f"was over: --minutes gives more, --study {asked.folder} goes on"
            )

    def _proof_is_due(self, control: Result) -> bool:
        """Whether what is left of the time is needed to prove the best point."""
        if self._runner.deadline is None:
            return False
        left = self._runner.deadline - time.monotonic()
        runs = 2 * self._budget.seeds + 1
        return left < 1.5 * control.seconds * math.ceil(runs / self._runner.jobs)

    def _stand(self, study: Study) -> None:
        tuned = self.tuned
        tuned.tried = study.tried()
        ended = len(tuned.done) + len(tuned.pruned)
        text = f"{ended} of {self._asked.runs} points"
        if tuned.done:
            best = tuned.done[0]
            name = "the script as it is" if best.own else f"point {best.number}"
            assert best.value is not None
            text += f"; best so far {tuned.metric} {tuned.shown(best.value):.4g} ({name})"
            if math.isfinite(tuned.control):
                text += f", as it is {tuned.shown(tuned.control):.4g}"
        self._asked.standing(text)

    def _best(self, study: Study) -> Candidate | None:
        """Returns the best point, if it is better than the script as it is on the same seed."""
        done = self.tuned.done
        if not done or done[0].own:
            return None
        value = done[0].value
        if value is None or (math.isfinite(self.tuned.control) and value >= self.tuned.control):
            return None
        return self._settings.candidate(done[0].point)

    def _prove(self) -> None:
        """Runs the best point on fresh seeds, beside the script as it is."""
        best = self.tuned.best
        if best is None:
            if not self.tuned.done and self.tuned.pruned:
                why = self.tuned.pruned[0].why
                self.trial.trouble = f"none of the points ended with a number: {why}"
            return
        self._asked.standing("the best point on fresh seeds, beside the script as it is")
        self.trial.candidates = [best]
        fresh = self._asked.repeat
        self._accounts.screened[best] = fresh - 1
        self._seeds = tuple(range(fresh + self._budget.seeds))
        controls = [self._job(CONTROL, seed) for seed in self._seeds[fresh:]]
        self._runner.run([controls[0], self._job(best, fresh), *controls[1:]], self._go_on)
        self._until_decided([best])

    def _view(self, job: Job) -> RunView:
        view = self._runner.views.get(job) or read_run(Path(self._runner.results[job].folder))
        if not view.observed:  # known from an earlier trial whose folder was removed since
            self._runner.run_again(job)
            view = self._runner.views[job]
        return view
