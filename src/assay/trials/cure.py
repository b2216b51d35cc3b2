"""The search for a cure: what is proposed for the control's findings, until something helps."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..diagnosis import Diagnosis, diagnose
from ..journal.reader import read_run
from ..journal.view import RunView
from ..launch.errors import LaunchError
from .accounts import Accounts
from .plan import CONTROL, Budget, Candidate, Job
from .remedies import MOST, mending, on_top
from .result import Result
from .retracing import target, trace
from .runner import Runner
from .strategies import Strategy
from .verdict import Verdict

SCREEN_FROM = 3
"""With at least so many remedies, one seed chooses which of them the others are spent on."""
KEEP_MOST = 3

Propose = Callable[[RunView, Diagnosis], Sequence[Sequence[Candidate]]]
"""Gives candidates in the order in which they are tried: the next ones if none is proved."""


class Cure(Strategy):
    """Looks at the control's first run, and tries what is proposed for it until something helps."""

    def __init__(
        self, accounts: Accounts, runner: Runner, budget: Budget, propose: Propose
    ) -> None:
        super().__init__(accounts, runner, budget)
        self._propose = propose
        self._hasty = False

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
            for tried in self._also_on_top(candidates):
                if self._enough(tried):  # the others are remedies of its consequences
                    self._go_on_from(trial.verdicts[0])
                    return

    def _also_on_top(self, candidates: list[Candidate]) -> Iterator[list[Candidate]]:
        """Tries these; where they mend broken invariants and cure nothing, others on top of them.

        Whatever else is done, what is broken has to be mended: no other remedy alone can be a cure.
        So one seed that shows a second fault is enough to go on, and the others wait.
        """
        self._hasty = True
        self._try(candidates)
        self._hasty = False
        yield candidates
        known = {candidate.tricks for tier in self._accounts.tiers for candidate in tier}
        verdicts = {verdict.candidate: verdict for verdict in self.trial.verdicts}
        base, last = mending(verdicts[candidate] for candidate in candidates), candidates
        if base is not None and base.tricks not in known and not self._runner.late():
            last = self._insert([base], after=last)
            yield last
        view = None if base is None else self._view(base)
        if base is not None and view is not None and not self._runner.late():
            found = on_top(base, view, diagnose(view, self.trial.checks), MOST)
            if found:
                yield self._insert(found, after=last)
        if len(candidates) < SCREEN_FROM and not self._runner.late():  # what was left waiting
            self._on_all_seeds(candidates)
            self._accounts.update()
            yield candidates

    def _insert(self, candidates: list[Candidate], after: list[Candidate]) -> list[Candidate]:
        """Tries further candidates, before those that are still to come."""
        tiers = self._accounts.tiers
        tiers.insert(tiers.index(after) + 1, candidates)
        self._try(candidates)
        return candidates

    def _view(self, candidate: Candidate) -> RunView | None:
        """Returns the record of its first run; None where that is gone."""
        job = self._job(candidate, 0)
        result = self._runner.results.get(job)
        if job in self._runner.views or result is None or result.state != "done":
            return self._runner.views.get(job)
        view = read_run(Path(result.folder))
        return view if view.observed else None

    def _go_on(self, job: Job, result: Result) -> Sequence[Job]:
        if self._hasty and job.candidate != CONTROL:
            self._accounts.update()
            if any(v.candidate == job.candidate and v.barred for v in self.trial.verdicts):
                return ()
        return super()._go_on(job, result)

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
