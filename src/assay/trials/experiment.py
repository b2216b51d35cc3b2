"""The experiment: control, treated runs on the same seeds, and a verdict on each candidate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..checks.registry import CHECKS
from ..diagnosis import Diagnosis, diagnose
from ..journal.reader import read_run
from ..journal.view import RunView
from .change import Change, find_change
from .child import Command
from .metric import comparable
from .plan import CONTROL, Budget, Candidate, Job
from .rehearsal import refusals
from .result import Result
from .runner import ProgressListener, Runner
from .store import Store
from .trial import Trial
from .verdict import best_first, judge

SCREEN_FROM = 3
"""With at least so many remedies, one seed chooses which of them the others are spent on."""
KEEP_MOST = 3
PATIENCE = 5.0
"""A treated run may take so many times as long as the control, and at least 30 s more."""

_NOT_BETTER = "it did not improve the first seed"

Propose = Callable[[RunView, Diagnosis], Sequence[Sequence[Candidate]]]
"""Gives candidates in the order in which they are tried: the next ones if none is proved."""


class Experiment:
    """Runs one trial.

    Args:
        command: What is run.
        store: Where results are kept.
        budget: What it may cost.
        label: For the trial's folder.
        listener: Is told of progress.
    """

    def __init__(
        self,
        command: Command,
        store: Store,
        budget: Budget,
        label: str,
        listener: ProgressListener | None = None,
    ) -> None:
        self._began = time.monotonic()
        deadline = None if budget.minutes is None else self._began + 60 * budget.minutes
        argv = command.argv()
        folder = store.new_trial(label)
        self._store, self._budget = store, budget
        self.trial = Trial(folder.name, folder, tuple(command.words), steps=budget.steps)
        self._runner = Runner(
            command, store, folder, budget.jobs, listener, fresh=budget.fresh, deadline=deadline
        )
        self._seeds: tuple[int, ...] = ()
        self._screened: dict[Candidate, int | None] = {}
        self._losers: set[Candidate] = set()
        self._limit: float | None = None
        store.note(folder.name, "began", command=argv, steps=budget.steps, seeds=budget.seeds)

    def compare(self, candidates: Sequence[Candidate]) -> Trial:
        """Compares each candidate with the control on every seed."""
        return self._end(lambda: self._compare(candidates))

    def fix(self, propose: Propose) -> Trial:
        """Looks at the control's first run, and tries what is proposed for it."""
        return self._end(lambda: self._fix(propose))

    def _end(self, work: Callable[[], None]) -> Trial:
        trial = self.trial
        try:
            work()
        except KeyboardInterrupt:
            trial.interrupted = "interrupted"
        finally:
            self._account()
        if self._runner.late() and not trial.interrupted:
            trial.interrupted = "the time for all runs is over (--minutes)"
        self._judge()
        self._write_down()
        self._store.note(
            trial.id,
            "ended",
            steps=trial.steps,
            interrupted=trial.interrupted,
            trouble=trial.trouble,
            cost=trial.cost(),
            change=None if trial.change is None else trial.change.as_dict(),
            verdicts=[verdict.as_dict() for verdict in trial.verdicts],
        )
        return trial

    def _write_down(self) -> None:
        """The best remedy in the user's own files, if it is proved and there is time."""
        trial = self.trial
        best = trial.verdicts[0] if trial.verdicts else None
        if best is None or best.outcome != "proved" or not best.candidate.tricks:
            return
        if trial.interrupted:
            trial.change = Change(best.candidate, "none", "the trial was ended before it was tried")
            return
        try:
            trial.change = find_change(self._runner, best, trial.control, trial.steps)
        except KeyboardInterrupt:
            trial.interrupted = "interrupted"
        made = [result for result in self._runner.patched if not result.resumed]
        trial.runs += len(made)
        trial.resumed += len(self._runner.patched) - len(made)
        trial.run_seconds += sum(result.seconds for result in made)
        trial.seconds = time.monotonic() - self._began

    # -- the two forms of an experiment -----------------------------------------------------------

    def _compare(self, candidates: Sequence[Candidate]) -> None:
        self.trial.candidates = list(candidates)
        fitting = self._rehearse(candidates)
        if fitting and self._first_control(1 + len(fitting)):
            self._on_all_seeds(fitting)

    def _rehearse(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those that the script takes for one step: a refusal must not wait for whole runs."""
        main = self._runner
        for job, result in refusals(main, candidates, self._budget.steps).items():
            main.results[job] = result
            main.listener.ended(job, result)
        refused = {job.candidate for job in main.results}
        return [candidate for candidate in candidates if candidate not in refused]

    def _fix(self, propose: Propose) -> None:
        if not self._first_control(4):
            return
        trial = self.trial
        trial.view, trial.diagnosis = self._look()
        for candidates in propose(trial.view, trial.diagnosis):
            trial.candidates += candidates
            if len(candidates) < SCREEN_FROM:
                self._on_all_seeds(candidates)
            else:
                self._best_of(candidates)
            self._account()
            self._judge()
            if any(verdict.recommended for verdict in trial.verdicts):
                return  # the others are remedies of its consequences

    def _on_all_seeds(self, candidates: Sequence[Candidate]) -> None:
        self._seeds = tuple(range(self._budget.seeds))
        self._screened.update(dict.fromkeys(candidates))
        controls = [self._job(CONTROL, seed) for seed in self._seeds[1:]]
        firsts = [self._job(candidate, 0) for candidate in candidates]
        # one that does not fit the script is told at once, not after all the others
        self._runner.run([*firsts, *controls], self._go_on)

    def _best_of(self, candidates: Sequence[Candidate]) -> None:
        """Successive halving: seed 0 chooses, fresh seeds prove."""
        self._seeds = tuple(range(self._budget.seeds + 1))
        self._screened.update(dict.fromkeys(candidates, 0))
        screening = [self._job(candidate, 0) for candidate in candidates]
        self._runner.run([*screening, *(self._job(CONTROL, s) for s in self._seeds[1:])])
        kept = self._choose(candidates)
        self._losers.update(candidate for candidate in candidates if candidate not in kept)
        self._runner.run([self._job(candidate, 1) for candidate in kept], self._go_on)

    def _go_on(self, job: Job, result: Result) -> Sequence[Job]:
        """The next seed of a candidate, unless what came of this one ends the matter.

        A remedy that does not improve a seed can't be proved any more: after screening, where only
        proofs are looked for, it stops there.
        """
        candidate, following = job.candidate, job.seed + 1
        if candidate == CONTROL or result.state != "done" or following not in self._seeds:
            return ()
        if self._screened[candidate] is not None and not self._gain(candidate, job.seed) > 0:
            return ()
        return (self._job(candidate, following),)

    def _choose(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The better half of the candidates by the screening seed, at most three, all improved."""
        gains = {candidate: self._gain(candidate, 0) for candidate in candidates}
        better = sorted((c for c in candidates if gains[c] > 0), key=lambda c: -gains[c])
        return better[: min(math.ceil(len(gains) / 2), KEEP_MOST)]

    def _gain(self, candidate: Candidate, seed: int) -> float:
        """By how much a treated run is better than the control's, as a share; nan if unknown."""
        control = self._runner.results.get(self._job(CONTROL, seed))
        treated = self._runner.results.get(self._job(candidate, seed))
        if control is None or treated is None or treated.state != "done":
            return math.inf if treated is not None and treated.state == "done" else math.nan
        kinds = [k for k in control.measured.values if k in treated.measured.values]
        kind, _ = comparable(candidate.tricks, kinds)
        if not kind:
            return math.nan
        before, after = (r.measured.values[kind] for r in (control, treated))
        if math.isinf(after):
            return math.nan
        if math.isinf(before):
            return 1e9 - after  # all better than nothing: the best of them first
        return (before - after) / max(abs(before), 1e-30)

    # -- the control's first run ------------------------------------------------------------------

    def _first_control(self, sets: int) -> bool:
        """Runs it, and settles how far and how long the others run; False: nothing to compare."""
        budget, trial = self._budget, self.trial
        seconds = None
        if budget.minutes is not None:  # what one run may take if all are to be done in time
            runs = 2 + (sets * budget.seeds - 1) / max(budget.jobs, 1)  # one checks the diff
            seconds = max(60 * budget.minutes / runs, 1.0)
        job = Job(CONTROL, 0, budget.steps, seconds)
        self._runner.run([job])
        result = self._runner.results.get(job)
        if result is None:
            trial.trouble = "the script's first run did not end in time"
            return False
        if result.state == "slow" and result.steps:
            trial.steps = result.steps
            self._runner.keep_as(Job(CONTROL, 0, result.steps), _as_done(result))
            self._runner.results.pop(job)
        elif result.state not in ("done", "failed") or not result.steps:
            trial.trouble = result.why or "no training step was seen"
            return False
        self._limit = PATIENCE * result.seconds + 30
        self._runner.length = result.steps
        return True

    def _job(self, candidate: Candidate, seed: int) -> Job:
        return Job(candidate, seed, self.trial.steps, self._limit)

    def _look(self) -> tuple[RunView, Diagnosis]:
        job = self._job(CONTROL, 0)
        view = next((v for j, v in self._runner.views.items() if j.seed == 0), None)
        if view is None:
            view = read_run(Path(self._runner.results[job].folder))
        if not view.observed:  # known from an earlier trial whose folder was removed since
            self._runner.run_again(job)
            view = self._runner.views[job]
        return view, diagnose(view, CHECKS)

    # -- the end ----------------------------------------------------------------------------------

    def _account(self) -> None:
        trial = self.trial
        trial.runs = trial.resumed = 0
        trial.run_seconds = 0.0
        for job, result in self._runner.results.items():
            trial.results.setdefault(job.candidate.name, {})[job.seed] = result
            trial.resumed += result.resumed
            trial.runs += not result.resumed
            trial.run_seconds += 0.0 if result.resumed else result.seconds
        trial.seconds = time.monotonic() - self._began

    def _judge(self) -> None:
        trial = self.trial
        trial.verdicts = []
        compared = [candidate for candidate in trial.candidates if candidate not in self._losers]
        for candidate in trial.candidates:
            treated = trial.results.get(candidate.name, {})
            note = ""
            if treated and candidate in self._losers:
                better = self._gain(candidate, 0) > 0
                note = "others improved the first seed more" if better else _NOT_BETTER
            verdict = judge(
                candidate,
                trial.control,
                treated,
                wanted=self._budget.seeds,
                candidates=max(len(compared), 1),
                screened=self._screened.get(candidate),
                note=note,
            )
            trial.verdicts.append(verdict)
        trial.verdicts = best_first(trial.verdicts)


def _as_done(result: Result) -> Result:
    return Result(
        "done", result.steps, result.seconds, result.measured, result.findings, "",
        result.folder, result.sources,
    )  # fmt: skip
