"""Which runs a trial makes, in which order: the control, and candidates on the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .accounts import Accounts
from .plan import CONTROL, Budget, Candidate, Job
from .rehearsal import refusals
from .result import Result
from .runner import Runner
from .verdict import Verdict

PATIENCE = 5.0
"""A treated run may take so many times as long as the control, and at least 30 s more."""


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


def _as_done(result: Result) -> Result:
    return replace(result, state="done", why="", resumed=False)
