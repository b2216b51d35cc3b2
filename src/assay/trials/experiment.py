"""The experiment: control, treated runs on the same seeds, and a verdict on each candidate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .accounts import Accounts
from .change import Change, find_change
from .child import Command
from .cure import Cure, Propose
from .plan import Budget, Candidate
from .runner import ProgressListener, Runner
from .settled import settle
from .store import Store
from .strategies import Comparison, Strategy
from .trial import Trial


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
        deadline = None if budget.minutes is None else time.monotonic() + 60 * budget.minutes
        argv = command.argv()
        folder = store.new_trial(label)
        self._store, self._budget = store, budget
        self.trial = Trial(
            folder.name,
            folder,
            tuple(command.words),
            steps=budget.steps,
            checks=command.checks,
        )
        self._runner = Runner(
            command, store, folder, budget.jobs, listener, fresh=budget.fresh, deadline=deadline
        )
        self._accounts = Accounts(self.trial, self._runner, budget.seeds, budget.most)
        store.note(folder.name, "began", command=argv, steps=budget.steps, seeds=budget.seeds)

    def compare(self, candidates: Sequence[Candidate]) -> Trial:
        """Compares each candidate with the control on every seed."""
        return self._run(Comparison(self._accounts, self._runner, self._budget, candidates))

    def fix(self, propose: Propose) -> Trial:
        """Looks at the control's first run, and tries what is proposed for it."""
        return self._run(Cure(self._accounts, self._runner, self._budget, propose))

    def follow(self, make: Callable[[Accounts, Runner, Budget], Strategy]) -> Trial:
        """Runs a strategy from outside.

        Args:
            make: Makes it of the trial's accounts, its runner and its budget.
        """
        return self._run(make(self._accounts, self._runner, self._budget))

    def _run(self, strategy: Strategy) -> Trial:
        trial = self.trial
        try:
            strategy.work()
        except KeyboardInterrupt:
            trial.interrupted = "interrupted"
        finally:
            self._accounts.settle()
        if self._runner.late() and not trial.interrupted:
            trial.interrupted = "the time for all runs is over (--minutes)"
        self._accounts.judge()
        trial.settled = settle(trial)
        self._write_down()
        self._store.note(
            trial.id,
            "ended",
            steps=trial.steps,
            interrupted=trial.interrupted,
            trouble=trial.trouble,
            cost=trial.cost(),
            change=None if trial.change is None else trial.change.as_dict(),
            settled=None if trial.settled is None else trial.settled.as_dict(),
            verdicts=[verdict.as_dict() for verdict in trial.verdicts],
        )
        return trial

    def _write_down(self) -> None:
        """Finds the best remedy's change of the user's files, if it is proved and there is time."""
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
        self._accounts.settle_patched()
