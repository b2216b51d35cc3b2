"""Which runs a trial makes, in which order: the control, and candidates on the same seeds."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..diagnosis import Diagnosis, diagnose
from ..journal.reader import read_run
from ..journal.view import RunView
from ..launch.errors import LaunchError
from .accounts import Accounts
from .plan import CONTROL, Budget, Candidate, Job
from .rehearsal import refusals
from .remedies import on_top
from .result import Result
from .retracing import target, trace
from .runner import Runner
from .verdict import Verdict

SCREEN_FROM = 3
"""With at least so many remedies, one seed chooses which of them the others are spent on."""
KEEP_MOST = 3
PATIENCE = 5.0
"""A treated run may take so many times as long as the control, and at least 30 s more."""

Propose = Callable[[RunView, Diagnosis], Sequence[Sequence[Candidate]]]
"""Gives candidates in the order in which they are tried: the next ones if none is proved."""


class Strategy:
    """What both ways of spending a budget share: jobs of the control and of candidates.

    Args:
        accounts: Of the trial.
        runner: Makes the runs.
        budget: What they may cost.
    """

    def __init__(self, accounts: Accounts, runner: Runner, budget: Budget) -> None:
        self.trial = accounts.trial
        self._accounts, self._runner, self._budget = accounts, runner, budget
        self._seeds: tuple[int, ...] = ()
        self._limit: float | None = None

    def work(self) -> None:
        """Makes the runs; `KeyboardInterrupt` ends it early."""
        raise NotImplementedError

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

    def _on_all_seeds(self, candidates: Sequence[Candidate]) -> None:
        self._seeds = tuple(range(self._budget.seeds))
        self._accounts.screened.update(dict.fromkeys(candidates))
        controls = [self._job(CONTROL, seed) for seed in self._seeds[1:]]
        firsts = [self._job(candidate, 0) for candidate in candidates]
        # one that does not fit the script is told at once, not after all the others
        self._runner.run([*firsts, *controls], self._go_on)
        self._until_decided(candidates)

    def _until_decided(self, candidates: Sequence[Candidate]) -> None:
        """Adds seeds, one at a time, to those candidates that another one can decide."""
        spare = self._budget.most - self._budget.seeds
        while spare > 0 and not self._runner.late():
            self._accounts.update()
            if self._enough(candidates):
                return
            undecided = [v.candidate for v in self.trial.verdicts if self._worth_a_seed(v)]
            undecided = [candidate for candidate in undecided if candidate in candidates]
            if not undecided:
                return
            self._seeds = (*self._seeds, self._seeds[-1] + 1)
            spare -= 1
            everyone = (CONTROL, *undecided)
            self._runner.run([self._job(candidate, self._seeds[-1]) for candidate in everyone])

    def _enough(self, candidates: Sequence[Candidate]) -> bool:
        """Whether what is known of these ends the search."""
        return False

    def _worth_a_seed(self, verdict: Verdict) -> bool:
        return verdict.open

    def _go_on(self, job: Job, result: Result) -> Sequence[Job]:
        """Returns the next seed of a candidate, unless this one's result ends the matter.

        A remedy that does not improve a seed can't be proved any more: after screening, where only
        proofs are looked for, it stops there.
        """
        candidate, following = job.candidate, job.seed + 1
        if candidate == CONTROL or result.state != "done" or following not in self._seeds:
            return ()
        if (
            self._accounts.screened[candidate] is not None
            and not self._accounts.gain(candidate, job.seed) > 0
        ):
            return ()
        return (self._job(candidate, following),)


class Comparison(Strategy):
    """Compares each candidate with the control on every seed."""

    def __init__(
        self,
        accounts: Accounts,
        runner: Runner,
        budget: Budget,
        candidates: Sequence[Candidate],
    ) -> None:
        super().__init__(accounts, runner, budget)
        self._candidates = candidates

    def work(self) -> None:
        """Makes the runs of all candidates that the script takes."""
        self.trial.candidates = list(self._candidates)
        fitting = self._rehearse(self._candidates)
        if fitting and self._first_control(1 + len(fitting)):
            self._on_all_seeds(fitting)

    def _rehearse(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Keeps those that the script takes for one step: a refusal must not wait."""
        main = self._runner
        for job, result in refusals(main, candidates, self._budget.steps).items():
            main.results[job] = result
            main.listener.ended(job, result)
        refused = {job.candidate for job in main.results}
        return [candidate for candidate in candidates if candidate not in refused]


class Cure(Strategy):
    """Looks at the control's first run, and tries what is proposed for it until something helps."""

    def __init__(
        self, accounts: Accounts, runner: Runner, budget: Budget, propose: Propose
    ) -> None:
        super().__init__(accounts, runner, budget)
        self._propose = propose

    def work(self) -> None:
        """Makes the runs of one set of proposed candidates after the other."""
        trial = self.trial
        comparable = self._first_control(4)
        if not self._runner.results:
            return
        trial.view, trial.diagnosis = self._look()
        if not comparable and not trial.diagnosis.findings:
            return
        proposed = self._propose(trial.view, trial.diagnosis)
        if not comparable:  # what was found is told all the same
            return
        self._accounts.tiers = [list(candidates) for candidates in proposed]
        for candidates in list(self._accounts.tiers):
            self._try(candidates)
            if self._enough(candidates):  # the others are remedies of its consequences
                self._go_on_from(trial.verdicts[0])
                return

    def _try(self, candidates: list[Candidate]) -> None:
        self.trial.candidates += candidates
        if len(candidates) < SCREEN_FROM:
            self._on_all_seeds(candidates)
        else:
            self._best_of(candidates)
        self._accounts.update()

    def _go_on_from(self, best: Verdict) -> None:
        """Tries, on top of a cure, the remedies of what it has uncovered."""
        view = self._runner.views.get(self._job(best.candidate, min(best.seeds)))
        if not best.reverse.born or view is None or self._runner.late():
            return
        found = on_top(best.candidate, view, diagnose(view, self.trial.checks))
        if found:
            self._accounts.tiers.append(found)
            self._try(found)

    def _look(self) -> tuple[RunView, Diagnosis]:
        job = self._job(CONTROL, 0)
        view = next((v for j, v in self._runner.views.items() if j.seed == 0), None)
        if view is None:
            view = read_run(Path(self._runner.results[job].folder))
        # known from an earlier trial whose folder was removed since
        if not view.observed and self._runner.results[job].resumed:
            self._runner.run_again(job)
            view = self._runner.views[job]
        self._trace(view, job)
        return view, diagnose(view, self.trial.checks)

    def _trace(self, view: RunView, job: Job) -> None:
        """Has the operation named that made a loss not finite, in one more run of the control."""
        runner = self._runner
        known = next((r for j, r in runner.results.items() if j.candidate == job.candidate), None)
        if known is None or runner.late() or not isinstance(target(view), tuple):
            return
        with contextlib.suppress(LaunchError):  # the folder of an earlier trial may be gone
            trace(
                view,
                runner.command,
                Path(known.folder),
                lambda child: runner.listener.work([child], 0),
                {},
            )

    def _best_of(self, candidates: Sequence[Candidate]) -> None:
        """Halves successively: seed 0 chooses, fresh seeds prove."""
        self._seeds = tuple(range(self._budget.seeds + 1))
        self._accounts.screened.update(dict.fromkeys(candidates, 0))
        screening = [self._job(candidate, 0) for candidate in candidates]
        self._runner.run([*screening, *(self._job(CONTROL, s) for s in self._seeds[1:])])
        kept = self._choose(candidates)
        self._accounts.losers.update(candidate for candidate in candidates if candidate not in kept)
        self._runner.run([self._job(candidate, 1) for candidate in kept], self._go_on)
        self._until_decided(kept)

    def _enough(self, candidates: Sequence[Candidate]) -> bool:
        return any(v.recommended for v in self.trial.verdicts if v.candidate in candidates)

    def _worth_a_seed(self, verdict: Verdict) -> bool:
        better = verdict.effect is not None and verdict.effect.differences[0] > 0
        return better and verdict.open and not verdict.barred

    def _choose(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Keeps the better half by the screening seed, at most three, all improved."""
        self._accounts.update()
        gains = {candidate: self._accounts.gain(candidate, 0) for candidate in candidates}
        better = sorted((c for c in candidates if gains[c] > 0), key=lambda c: -gains[c])
        # what leaves or brings a fault is no cure, however low it ends
        barred = {verdict.candidate for verdict in self.trial.verdicts if verdict.barred}
        better.sort(key=lambda candidate: candidate in barred)
        return better[: min(math.ceil(len(gains) / 2), KEEP_MOST)]


def _as_done(result: Result) -> Result:
    return replace(result, state="done", why="", resumed=False)
