"""The check `learning-rate-too-high`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.objective import alone, only_loss, warming_up
from ...signals.trend import trend
from ..base import Check, Limit
from ..finding import Evidence, Finding, Trick, Where

_SWEEP = "measured in benchmarks/calibration/learning_rate.py"


class LearningRateTooHigh(Check):
    """Steps are so long that they overshoot, and the run does not recover from it.

    ## What it does
    Looks for two things together. Damage: the loss ends no better than that of a constant
    prediction, or is not finite. And a cause that was measured: the rate times the sharpness lay
    above the stability limit when training began, or steps raised the loss of their own batch, or
    the first steps threw the loss far above where it started.

    ## Why it matters
    A network that was thrown far away in its first steps often sits there for good, with dead or
    saturated units, and looks as if it could not learn.

    ## Evidence
    Probe. `rate_times_sharpness` over `stability_limit` (SGD 2, momentum 2(1 + beta), Adam of the
    preconditioned Hessian 2(1 + beta1)/(1 - beta1)), `step_quality` (actual over predicted change
    of the loss on the same batch; below 0 a step did harm), and the loss itself.

    ## Known exceptions
    Silent: runs at the edge of stability that learn; noisy small batches; peaks of a one-cycle
    that recovers; rates that are still warming up; several optimizers; losses whose constant
    prediction is not known, such as a policy gradient's.

    ## Example
    SGD with a rate of 10 on a small classifier.

    ## What to try
    A rate a third of the stability limit, as measured; warm-up if only the first steps do harm.

    ## References
    Cohen et al. 2021, "Gradient Descent on Neural Networks Typically Occurs at the Edge of
    Stability"; Cohen et al. 2022, "Adaptive Gradient Methods at the Edge of Stability".
    """

    name = "learning-rate-too-high"
    family = "optimizer"
    severity = "error"
    tier = "probe"
    reads = ("loss", "learning_rate")
    explains = (
        "loss-not-decreasing",
        "loss-not-finite",
        "dead-units",
    )
    limits = {
        "damage": Limit(0.95, "of a constant's loss", _SWEEP),
        "stress": Limit(1.0, "of the stability limit", "Cohen et al. 2021, 2022"),
        "harmful": Limit(0.25, "of the steps", _SWEEP),
        "thrown": Limit(1.5, "times the first loss", _SWEEP),
        "samples": Limit(5, "samples", "ours: fewer harmful steps may be chance"),
        "steps": Limit(30, "steps", "ours: shorter runs have no end to judge"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            if not alone(run, training) or training.steps < self.limit("steps"):
                continue
            evidence = self._causes(training)
            damage = self._damage(run, training)
            if damage is None or not evidence or warming_up(training):
                continue
            rate = training.series("learning_rate", "group 0").first
            yield self.found(
                f"{damage}; {self._says(evidence[0])}",
                "steps longer than the loss surface is smooth throw the weights far away",
                try_=self._advice(rate, evidence[0]),
                where=Where(site=training.site, group=0),
                steps=(0, training.steps - 1),
                evidence=evidence,
                tricks=(Trick("lr", self._better(rate, evidence[0])), Trick("warmup", "100")),
                rank=training.rank,
            )

    def _damage(self, run: RunView, training: Training) -> str | None:
        losses, call = training.series("loss"), only_loss(run, training)
        tail = list(losses.values)[-max(len(losses) // 10, 1) :]
        if not all(math.isfinite(value) for value in tail):
            return f"the loss was no longer finite at step {losses.steps[-1]}"
        floor = constant_loss(training, call) if call is not None else None
        seen = trend(losses.finite())
        if floor is None or seen is None or seen.end < self.limit("damage") * floor:
            return None
        return f"the loss ended at {seen.end:.4g}, where a constant prediction has {floor:.4g}"

    def _causes(self, training: Training) -> tuple[Evidence, ...]:
        found = []
        limits = training.series("stability_limit").finite()
        rated = training.series("rate_times_sharpness").finite()
        if len(rated) and len(limits) and rated.first > self.limit("stress") * limits.first:
            found.append(Evidence("rate_times_sharpness", rated.first, limits.first, "1"))
        quality = training.series("step_quality").finite().values
        harmful = sum(value < 0 for value in quality)
        if len(quality) >= self.limit("samples") and harmful >= self.limit("harmful") * len(
            quality
        ):
            share = harmful / len(quality)
            found.append(Evidence("step_quality", share, self.limit("harmful"), "of the steps < 0"))
        losses = training.series("loss").finite()
        early = losses.values[1 : max(len(losses) // 10, 10)]
        if early and max(early) > self.limit("thrown") * losses.first > 0:
            thrown = max(early) / losses.first
            found.append(Evidence("loss", thrown, self.limit("thrown"), "times the first loss"))
        return tuple(found)

    @staticmethod
    def _says(cause: Evidence) -> str:
        if cause.signal == "rate_times_sharpness":
            limit = f"stable below {cause.limit:.3g}"
            return f"rate x sharpness was {cause.value:.3g} at the start, {limit}"
        if cause.signal == "step_quality":
            return f"{cause.value:.0%} of the steps measured raised the loss of their own batch"
        return f"the first steps threw the loss to {cause.value:.3g} times where it started"

    @staticmethod
    def _better(rate: float, cause: Evidence) -> str:
        if cause.signal == "rate_times_sharpness" and cause.limit:
            return f"{rate * cause.limit / (3 * cause.value):.2g}"
        return "x0.1"

    def _advice(self, rate: float, cause: Evidence) -> tuple[str, ...]:
        better = self._better(rate, cause)
        value = f"{rate / 10:.2g}" if better.startswith("x") else better
        return (f"a rate of about {value} instead of {rate:.3g}",)
