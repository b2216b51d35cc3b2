"""The check `warmup-too-long`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean

from ...journal.events import SWEEP
from ...journal.series import Series
from ...journal.view import RunView, Training
from ...signals.schedules import driven, ran_to_its_end
from ...signals.shape import leading_rates, line_of, schedulers_of
from ...signals.units import mismatch
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class WarmupTooLong(Check):
    """The rate warms up for most of the run, or is still rising when it ends.

    ## What it does
    Looks for a rate that rises from its first step on, in equal parts, and reaches its largest
    value in the second half of the run or not at all.

    ## Why it matters
    Most steps are shorter than was meant, and none are left in which the rate comes down.

    ## Evidence
    Heuristic. `learning_rate`: the step of the largest rate, as a share of the run.

    ## Known exceptions
    Silent: range tests, whose rate grows by a factor or drives the loss up; OneCycleLR with
    `pct_start` up to a half; CyclicLR; rates that begin above half of their peak; schedulers that
    are stepped in the wrong unit; runs that were stopped before their end.

    ## Example
    `get_linear_schedule_with_warmup(optimizer, 4000, ...)` in a run of 1,500 steps.

    ## What to try
    A warm-up of 2 to 10 % of the steps.

    ## References
    Goyal et al. 2017, "Accurate, Large Minibatch SGD": 5 of 90 epochs; Smith and Topin 2018,
    "Super-Convergence": half of the run at most.
    """

    name = "warmup-too-long"
    family = "schedule"
    severity = "warning"
    tier = "heuristic"
    status = "preview"
    by_hand = "a preview: its findings ask for nothing yet"
    needs = ("loss", "learning_rate")
    reads = ("loss", "learning_rate", "evaluated", "sweep")
    limits = {
        "share": Limit(0.5, "of the run", "Smith and Topin 2018: the longest rise in use"),
        "from": Limit(0.5, "of the largest rate", "ours: it begins lower than that"),
        "middle": Limit(0.3, "of the rise, half way", "ours: a line has 0.5, a range test 0.1"),
        "worse": Limit(1.2, "times the least loss", "ours: a range test ends in divergence"),
        "steps": Limit(50, "steps", "ours: shorter runs are no schedule"),
        "losses": Limit(20, "parts of the run", "ours: a loss is averaged over one"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        if not ran_to_its_end(run) or any(True for _ in run.events(SWEEP)):
            return
        for training in run.trainings:
            if training.steps < self.limit("steps") or self._is_other(run, training):
                continue
            series = leading_rates(training)
            peak_at = self._rises_to(series)
            if peak_at is None or peak_at <= self.limit("share") * training.steps:
                continue
            if not self._diverges(training):
                yield self._finding(run, training, series, peak_at)

    def _is_other(self, run: RunView, training: Training) -> bool:
        cycles = any(s.of == "CyclicLR" for s in schedulers_of(run, training))
        return cycles or any(mismatch(run, s, of) for s, of in driven(run) if of is training)

    def _rises_to(self, series: Series) -> int | None:
        """Returns the step of the largest rate, if all before it is one rise in equal parts."""
        values = list(series.values)
        peak = max(values, default=0.0)
        if not peak > 0 or values[0] > self.limit("from") * peak:
            return None
        top = values.index(peak)
        if top < 3 or any(b < a for a, b in pairwise(values[: top + 1])):
            return None
        first, last = series.steps[0], series.steps[top]
        half = series.between(first, (first + last) // 2 + 1).last
        if half - values[0] < self.limit("middle") * (peak - values[0]):
            return None
        return last

    def _diverges(self, training: Training) -> bool:
        """Whether the loss ends above the lowest that it had."""
        losses = training.series("loss").finite().values
        size = max(len(losses) // int(self.limit("losses")), 1)
        means = [fmean(losses[i : i + size]) for i in range(0, len(losses), size)]
        return not means or means[-1] > max(min(means), 0.0) * self.limit("worse")

    def _finding(self, run: RunView, training: Training, series: Series, peak_at: int) -> Finding:
        peak = max(series.values)
        still = peak_at >= series.steps[-1] and series.last >= peak
        end = "was still rising when the run ended" if still else f"rose until step {peak_at}"
        return self.found(
            f"the rate {end}, of {training.steps} steps, from {series.first:.2g} to {peak:.2g}",
            "most of the run was trained at less than the rate that was meant",
            try_=("a warm-up of 2 to 10 % of the steps",),
            where=Where(site=line_of(run, training)),
            steps=(0, peak_at),
            evidence=(
                Evidence(
                    "learning_rate", peak_at / training.steps, self.limit("share"), "of the run"
                ),
            ),
            training=training,
        )
