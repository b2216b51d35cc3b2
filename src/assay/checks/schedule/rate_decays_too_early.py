"""The check `rate-decays-too-early`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.view import RunView, Training
from ...signals.schedules import driven
from ...signals.shape import faded_at, leading_rates, line_of, schedulers_of
from ...signals.trend import trend
from ...signals.units import DEAD, EARLY, died_at, mismatch
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class RateDecaysTooEarly(Check):
    """The learning rate is next to nothing for the second half of the run, or longer.

    ## What it does
    Reports a rate that in the first half of the run falls under a thousandth of its largest value,
    in every parameter group, and stays there, although the loss still fell when the rate began to
    fade, or had hardly fallen at all.

    ## Why it matters
    Steps at such a rate change nothing: the run could as well have ended there.

    ## Evidence
    Heuristic. `learning_rate`: the last rate over the largest one; the summary says from which step
    on it was under the limit, and what the loss did.

    ## Known exceptions
    Silent: ReduceLROnPlateau, which cuts the rate for what it sees; losses that stood still before
    the rate faded; one group of several; a scheduler that is stepped in the wrong unit (that is
    `scheduler-unit-mismatch`).

    ## Example
    `ExponentialLR(optimizer, gamma=0.5)` in a run of 40 epochs.

    ## What to try
    A schedule as long as the run: `T_max`, milestones or `gamma` made from the number of epochs.

    ## References
    Loshchilov, Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", whose rate is
    at its least when the run ends.
    """

    name = "rate-decays-too-early"
    family = "schedule"
    severity = "warning"
    tier = "heuristic"
    needs = ("loss", "learning_rate")
    reads = ("loss", "learning_rate", "evaluated")
    leads_to = (Effect.RATE_TOO_LOW, Effect.NOT_LEARNING)
    limits = {
        "dead": Limit(DEAD, "of the largest rate", "ours: known schedules reach it at their end"),
        "early": Limit(EARLY, "of the run", "ours: half of the steps were for nothing"),
        "faded": Limit(0.1, "of the largest rate", "ours: until then the loss shows what is left"),
        "errors": Limit(3.0, "standard errors", "ours: 0.3 % of trendless runs"),
        "left": Limit(0.5, "of the first loss", "ours: where too few steps show a trend"),
        "steps": Limit(50, "steps", "ours: shorter runs are no schedule"),
        "losses": Limit(24, "losses", "ours: a trend needs that many"),
        "long": Limit(150, "losses", "ours: in so many a fall would have been seen"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            dead = died_at(training)
            if training.steps < self.limit("steps") or dead is None:
                continue
            if dead > self.limit("early") * training.steps:
                continue
            if any(s.of == "ReduceLROnPlateau" for s in schedulers_of(run, training)):
                continue
            if any(mismatch(run, s, of) for s, of in driven(run) if of is training):
                continue
            says = self._left(training)
            if says is not None:
                yield self._finding(run, training, dead, says)

    def _left(self, training: Training) -> str | None:
        """Says what was left to learn when the rate began to fade; None for nothing, or unknown."""
        faded = faded_at(leading_rates(training), self.limit("faded")) or 0
        losses = training.series("loss").finite()
        before = losses.between(0, faded)
        if len(before) >= self.limit("losses"):
            seen = trend(before)
            if seen is not None and seen.falls(self.limit("errors")):
                return "the loss still fell when it began to fade"
            if len(before) >= self.limit("long"):
                return None
        part = max(len(losses) // 10, 1)
        if len(losses) < self.limit("losses"):
            return None
        begin, end = losses.first, fmean(losses.values[-part:])
        if not 0 < begin * self.limit("left") <= end:
            return None
        return f"the loss went from {begin:.4g} to {end:.4g}"

    def _finding(self, run: RunView, training: Training, dead: int, says: str) -> Finding:
        series = leading_rates(training)
        peak = max(series.values)
        return self.found(
            f"from step {dead} of {training.steps} on the rate was under {self.limit('dead'):g} of "
            f"its largest, {peak:.3g}, and ended at {series.last:.2g}; {says}",
            "steps at such a rate change nothing",
            try_=("a schedule as long as the run",),
            where=Where(site=line_of(run, training)),
            steps=(dead, training.steps - 1),
            evidence=(
                Evidence("learning_rate", series.last / peak, self.limit("dead"), "of the largest"),
            ),
            tricks=(Remedy("schedule", "cosine"),),
            training=training,
            began=(0, dead),
        )
