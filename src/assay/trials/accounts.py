"""The accounts of a trial: what its runs were, what they prove, and what they have cost."""

from __future__ import annotations

import math
import time

from .metric import comparable
from .plan import CONTROL, Candidate, Job
from .runner import Runner
from .trial import Trial
from .verdict import best_first, judge

_NOT_BETTER = "it did not improve the first seed"


class Accounts:
    """Keeps a trial's record up to date with what its runner has done.

    Args:
        trial: Is written to.
        runner: Has the results.
        wanted: How many seeds a verdict rests on.
        most: How many may be added until it is decided.
    """

    def __init__(self, trial: Trial, runner: Runner, wanted: int, most: int = 0) -> None:
        self.trial, self._runner, self._wanted, self._most = trial, runner, wanted, most
        self._began = time.monotonic()
        self.screened: dict[Candidate, int | None] = {}
        """The last seed by which each candidate was chosen; None for one that was not screened."""
        self.losers: set[Candidate] = set()
        """Candidates that were screened out."""
        self.tiers: list[list[Candidate]] = []
        """Candidates that were proposed together, in the order in which they are tried."""

    def update(self) -> None:
        """Brings runs, costs and verdicts up to date."""
        self.settle()
        self.judge()

    def settle(self) -> None:
        """Enters all runs, and what they have cost."""
        trial = self.trial
        trial.runs = trial.resumed = 0
        trial.run_seconds = 0.0
        for job, result in self._runner.results.items():
            trial.results.setdefault(job.candidate.name, {})[job.seed] = result
            trial.resumed += result.resumed
            trial.runs += not result.resumed
            trial.run_seconds += 0.0 if result.resumed else result.seconds
        trial.seconds = time.monotonic() - self._began

    def judge(self) -> None:
        """Gives a verdict on every candidate, the best first."""
        trial = self.trial
        trial.verdicts = []
        for candidate in trial.candidates:
            treated = trial.results.get(candidate.name, {})
            note = ""
            if treated and candidate in self.losers:
                better = self.gain(candidate, 0) > 0
                note = "others improved the first seed more" if better else _NOT_BETTER
            verdict = judge(
                candidate,
                trial.control,
                treated,
                wanted=self._wanted,
                most=self._most,
                candidates=self._among(candidate),
                screened=self.screened.get(candidate),
                note=note,
            )
            trial.verdicts.append(verdict)
        trial.verdicts = best_first(trial.verdicts)

    def _among(self, candidate: Candidate) -> float:
        """Returns among how many the chance of a false proof is shared.

        Each set of candidates has half of what those before it have left.
        """
        for number, tier in enumerate(self.tiers):
            if candidate in tier:
                compared = sum(other not in self.losers for other in tier)
                return max(compared, 1) * 2.0 ** (number + 1)
        return max(len(self.trial.candidates), 1)

    def gain(self, candidate: Candidate, seed: int) -> float:
        """Returns by which share a treated run is better than the control's; nan if unknown."""
        control = self._runner.results.get(Job(CONTROL, seed, self.trial.steps))
        treated = self._runner.results.get(Job(candidate, seed, self.trial.steps))
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

    def settle_patched(self) -> None:
        """Enters the runs of patched files on top."""
        made = [result for result in self._runner.patched if not result.resumed]
        self.trial.runs += len(made)
        self.trial.resumed += len(self._runner.patched) - len(made)
        self.trial.run_seconds += sum(result.seconds for result in made)
        self.trial.seconds = time.monotonic() - self._began
