"""The check `learning-rate-too-low`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.objective import alone, only_loss, warming_up
from ...signals.trend import Trend, trend
from ..base import Check, Limit
from ..finding import Evidence, Finding, Trick, Where

_SWEEP = "measured in benchmarks/calibration/learning_rate.py"


class LearningRateTooLow(Check):
    """Steps are far shorter than the loss surface allows, and the run is far from done.

    ## What it does
    Reports a run in which nearly every measured step did exactly what its gradient promised, the
    rate lay far below what the measured sharpness allows, and the loss is still high and still
    falling.

    ## Why it matters
    The run would need many times its length to get where a larger rate is at once.

    ## Evidence
    Probe. `step_quality` (actual over predicted change of the loss on the same batch): 1 means
    that the surface is flat over the length of a step; good rates live at 0.1 to 0.9. And
    `rate_times_sharpness` over `stability_limit`.

    ## Known exceptions
    Silent: short runs; fine-tuning, whose loss begins low; warm-up; runs that have converged or
    whose loss no longer falls; LBFGS; rates for which neither form of step quality could be
    measured.

    ## Example
    SGD with a rate of 1e-4 on a small classifier.

    ## What to try
    A rate ten times as high, and again, until `step_quality` falls below 0.9.

    ## References
    Cohen et al. 2021, "Gradient Descent on Neural Networks Typically Occurs at the Edge of
    Stability".
    """

    name = "learning-rate-too-low"
    family = "optimizer"
    severity = "warning"
    tier = "probe"
    reads = ("step_quality", "rate_times_sharpness")
    explains = ("loss-not-decreasing", "vanishing-gradient")
    limits = {
        "quality": Limit(0.985, "lower quartile", _SWEEP),
        "stress": Limit(1 / 30, "of the stability limit", _SWEEP),
        "left": Limit(0.5, "of a constant's loss", _SWEEP),
        "fall": Limit(0.005, "of a constant's loss over the second half", _SWEEP),
        "errors": Limit(3.0, "standard errors", "ours: 0.3 % of trendless runs"),
        "samples": Limit(8, "samples", "ours: a quartile needs that many"),
        "steps": Limit(100, "steps", "ours: shorter runs are still beginning"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            quality = sorted(training.series("step_quality").finite().values)
            enough = len(quality) >= self.limit("samples")
            if not enough or training.steps < self.limit("steps"):
                continue
            quartile = quality[len(quality) // 4]
            stress = self._stress(training)
            seen = self._unfinished(run, training)
            if seen is None or stress is None or quartile < self.limit("quality"):
                continue
            if stress > self.limit("stress"):
                continue
            rate = training.series("learning_rate", "group 0").first
            yield self.found(
                f"three quarters of the steps measured did at least {quartile:.1%} of what their "
                f"gradient promised, at {stress:.2g} of the largest stable rate, while the loss "
                f"went from {seen.begin:.4g} to {seen.end:.4g} in {training.steps} steps",
                "the loss surface is flat over such short steps: longer ones would be faster",
                try_=(f"a rate of {rate * 10:.2g} instead of {rate:.2g}, then ten times that",),
                where=Where(site=training.site, group=0),
                steps=(0, training.steps - 1),
                evidence=(
                    Evidence("step_quality", quartile, self.limit("quality"), "1"),
                    Evidence("rate_times_sharpness", stress, self.limit("stress"), "of the limit"),
                ),
                tricks=(Trick("lr", "x10"), Trick("lr", "x100")),
                rank=training.rank,
            )

    def _stress(self, training: Training) -> float | None:
        limits = training.series("stability_limit").finite()
        rated = training.series("rate_times_sharpness").finite()
        shares = [value / limits.at(step) for step, value in rated if limits.at(step) > 0]
        return max(shares, default=None)

    def _unfinished(self, run: RunView, training: Training) -> Trend | None:
        """The loss, if it is still high and still falls."""
        call = only_loss(run, training)
        if call is None or not alone(run, training) or warming_up(training):
            return None
        floor, seen = constant_loss(training, call), trend(training.series("loss").finite())
        if floor is None or seen is None or seen.end < self.limit("left") * floor:
            return None
        falls = seen.falls(self.limit("errors")) and seen.fall > self.limit("fall") * floor
        return seen if falls else None
