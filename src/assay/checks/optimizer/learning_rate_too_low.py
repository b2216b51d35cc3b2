"""The check `learning-rate-too-low`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.objective import alone, only_loss, warming_up
from ...signals.stability import constant_rate, peak_stress
from ...signals.trend import Trend, trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

_SWEEP = "measured in benchmarks/calibration/learning_rate.py"


class LearningRateTooLow(Check):
    """Steps are far shorter than the loss surface allows, and the run is far from done.

    ## What it does
    Reports a run in which nearly every measured step did exactly what its gradient promised, the
    largest rate lay far below what the measured sharpness allows, and the loss is still high and
    still falling, or the rate is so small that no fall could be seen.

    ## Why it matters
    The run would need many times its length to get where a larger rate is at once.

    ## Evidence
    Probe. `step_quality` (actual over predicted change of the loss on the same batch): 1 means
    that the surface is flat over the length of a step; good rates live at 0.1 to 0.9. And
    `rate_times_sharpness` over `stability_limit`, where second derivatives exist; without them
    (cuDNN and oneDNN LSTMs, fused attention) the steps must keep their promise more closely.

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
    needs = ("loss", "step_quality")
    reads = (
        "loss",
        "learning_rate",
        "step_quality",
        "rate_times_sharpness",
        "stability_limit",
        "loss_call",
        "loss_call_value",
        "label_count",
        "target_mean",
        "target_std",
    )
    is_effect = (Effect.RATE_TOO_LOW,)
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "quality": Limit(0.985, "lower quartile", _SWEEP),
        "alone": Limit(0.99, "lower quartile, where no sharpness is known", _SWEEP),
        "stress": Limit(1 / 30, "of the stability limit", _SWEEP),
        "still": Limit(1e-4, "of the stability limit: no fall need be seen", _SWEEP),
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
            stress = peak_stress(training)
            if quartile < self.limit("quality" if stress is not None else "alone"):
                continue
            if stress is None and not constant_rate(training):
                continue
            if stress is not None and stress > self.limit("stress"):
                continue
            still = stress is not None and stress < self.limit("still")
            seen = self._unfinished(run, training, still=still)
            if seen is None:
                continue
            rate = training.series("learning_rate", "group 0").first
            factor = _factor(stress)
            room = "" if stress is None else f", at {stress:.2g} of the largest stable rate,"
            evidence = [Evidence("step_quality", quartile, self.limit("quality"), "1")]
            if stress is not None:
                evidence.append(
                    Evidence("rate_times_sharpness", stress, self.limit("stress"), "of the limit")
                )
            yield self.found(
                f"three quarters of the steps measured did at least {quartile:.1%} of what their "
                f"gradient promised{room} while the loss "
                f"went from {seen.begin:.4g} to {seen.end:.4g} in {training.steps} steps",
                "the loss surface is flat over such short steps: longer ones would be faster",
                try_=(f"a rate of {rate * factor:.2g} instead of {rate:.2g}",),
                where=Where(site=training.site, group=0),
                steps=(0, training.steps - 1),
                evidence=tuple(evidence),
                tricks=tuple(Remedy("lr", f"x{f}") for f in dict.fromkeys((factor, 10, 100, 1000))),
                training=training,
                began=(0, int(self.limit("steps"))),
            )

    def _unfinished(self, run: RunView, training: Training, *, still: bool) -> Trend | None:
        """Returns the loss, if it is still high, and still falls or can't be seen to."""
        call = only_loss(run, training)
        if call is None or not alone(run, training) or warming_up(training):
            return None
        floor, seen = constant_loss(training, call), trend(training.series("loss").finite())
        if floor is None or seen is None or seen.end < self.limit("left") * floor:
            return None
        falls = seen.falls(self.limit("errors")) and seen.fall > self.limit("fall") * floor
        return seen if falls or still else None


def _factor(stress: float | None) -> int:
    """Returns how much larger a rate to try: a power of ten, to a tenth of the limit."""
    if stress is None or stress <= 0:
        return 10
    return int(10 ** min(max(math.floor(math.log10(0.1 / stress)), 1), 3))
