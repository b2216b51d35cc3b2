"""The check `learning-rate-too-low`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.objective import only_loss
from ...signals.stability import constant_rate, peak_stress
from ...signals.trend import Trend, trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import ConstantLoss, OneOptimizer, RateAtItsHeight, Samples, Steps, That

_SWEEP = "measured in benchmarks/calibration/learning_rate.py"


def _room_unknown(check: Check, run: RunView, training: Training) -> str | None:
    """Says that nothing tells how much larger the rate could be."""
    if peak_stress(training) is not None or constant_rate(training):
        return None
    return "the rate changes, and how far below what is stable it lies was not measured"


class LearningRateTooLow(Check):
    """Steps are far shorter than the loss surface allows, and the run is far from done.

    ## What it does
    Reports a run in which nearly every measured step did exactly what its gradient promised, the
    largest rate lay far below what the measured sharpness allows, and the loss is still high and
    still falling, or the rate is so small that no fall could be seen. A warning where the loss
    hardly moved; where it fell by a tenth or more, a note: the rate could be better.

    ## Why it matters
    The run would need many times its length to get where a larger rate is at once.

    ## Evidence
    Probe. `step_quality` (actual over predicted change of the loss on the same batch): 1 means
    that the surface is flat over the length of a step; good rates live at 0.1 to 0.9. And
    `rate_times_sharpness` over `stability_limit`, where second derivatives exist; without them
    (cuDNN and oneDNN LSTMs, fused attention) the steps must keep their promise more closely.

    ## Known exceptions
    Silent: fine-tuning, whose loss begins low; runs that have converged or whose loss no longer
    falls. Not judged: short runs; warm-up; LBFGS; rates for which neither form of step quality
    could be measured.

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
    requires = (
        OneOptimizer(),
        Steps(),
        Samples(("step_quality",)),
        ConstantLoss(),
        RateAtItsHeight(),
        That(_room_unknown),
    )
    is_effect = (Effect.RATE_TOO_LOW,)
    leads_to = {
        Effect.NOT_LEARNING: "the weights hardly leave where they began",
    }
    limits = {
        "quality": Limit(0.985, "lower quartile", _SWEEP),
        "alone": Limit(0.99, "lower quartile, where no sharpness is known", _SWEEP),
        "stress": Limit(1 / 30, "of the stability limit", _SWEEP),
        "still": Limit(1e-4, "of the stability limit: no fall need be seen", _SWEEP),
        "left": Limit(0.5, "of a constant's loss", _SWEEP),
        "fall": Limit(0.005, "of a constant's loss over the second half", _SWEEP),
        "moved": Limit(0.1, "of the first loss", "ours: a tenth of the loss is learning"),
        "errors": Limit(3.0, "standard errors", "ours: 0.3 % of trendless runs"),
        "samples": Limit(8, "samples", "ours: a quartile needs that many"),
        "steps": Limit(100, "steps", "ours: shorter runs are still beginning"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            quality = sorted(training.series("step_quality").finite().values)
            quartile = quality[len(quality) // 4]
            stress = peak_stress(training)
            if quartile < self.limit("quality" if stress is not None else "alone"):
                continue
            if stress is not None and stress > self.limit("stress"):
                continue
            still = stress is not None and stress < self.limit("still")
            unfinished = self._unfinished(run, training, still=still)
            if unfinished is None:
                continue
            seen, hardly = unfinished
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
                severity="warning" if hardly else "note",
                tricks=tuple(Remedy("lr", f"x{f}") for f in dict.fromkeys((factor, 10, 100, 1000))),
                training=training,
                began=(0, int(self.limit("steps"))),
            )

    def _unfinished(
        self, run: RunView, training: Training, *, still: bool
    ) -> tuple[Trend, bool] | None:
        """Returns the loss, if it is high, and still falls or can't be seen to.

        And whether it hardly moved.
        """
        call = only_loss(run, training)
        floor = constant_loss(training, call) if call is not None else None
        seen = trend(training.series("loss").finite())
        if floor is None or seen is None or seen.end < self.limit("left") * floor:
            return None
        falls = seen.falls(self.limit("errors")) and seen.fall > self.limit("fall") * floor
        hardly = seen.begin - seen.end < self.limit("moved") * seen.begin
        return (seen, hardly) if falls or still else None


def _factor(stress: float | None) -> int:
    """Returns how much larger a rate to try: a power of ten, to a tenth of the limit."""
    if stress is None or stress <= 0:
        return 10
    return int(10 ** min(max(math.floor(math.log10(0.1 / stress)), 1), 3))
