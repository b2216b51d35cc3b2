"""The check `learning-rate-too-high`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import WITHOUT_GRADIENT
from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.counted import over_nothing
from ...signals.objective import only_loss
from ...signals.spoiled import spoiled_batches
from ...signals.stability import first_stress, raised_by_steps, worst_of_first
from ...signals.traced import is_undefined
from ...signals.trend import trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import (
    ConstantLoss,
    OneOptimizer,
    RateAtItsHeight,
    Steps,
    UnlessRaised,
    ends_broken,
)
from ._lower_rate import what_to_try
from ._raised_rate import after_a_jump
from ._steps_in_vain import steps_in_vain

_RIGHT = "benchmarks/calibration/step_quality.py"
_SWEEP = "measured in benchmarks/calibration/learning_rate.py"


class LearningRateTooHigh(Check):
    """Steps are so long that they overshoot, and the run does not recover from it.

    ## What it does
    Looks for two things together. Damage: the loss ends no better than that of a constant
    prediction, or is not finite. And a cause that was measured: rate times sharpness began above
    the stability limit, steps raised the loss of their own batch, one of the first did next to
    nothing of what its gradient promised, or they threw the loss far above where it started. A
    loss of half a constant's takes more of these, and is a warning. A rate that is raised twofold
    or more in mid-run is judged by itself: half of what had been learnt was lost for good, and the
    steps from then on did harm; or, as a warning, the loss doubled at once and stayed there.
    Last, and a warning: a loss that fell and then stands, while three quarters of the steps do next
    to nothing of what their gradient promises.

    ## Why it matters
    A network thrown far away in its first steps often sits there, and looks unable to learn.

    ## Evidence
    Probe. `rate_times_sharpness` over `stability_limit` (SGD 2, momentum 2(1 + beta), Adam of the
    preconditioned Hessian 2(1 + beta1)/(1 - beta1)), `step_quality` (actual over predicted change
    of the loss on the same batch; below 0 a step did harm), and the loss itself.

    ## Known exceptions
    Silent: the edge of stability; noisy small batches; one-cycle peaks; NaN that a batch brought
    in. Not judged: rates still warming up; several optimizers; losses whose constant prediction is
    not known (policy gradients).

    ## Example
    SGD with a rate of 10 on a small classifier.

    ## What to try
    A third of the stability limit; warm-up if only the first steps do harm; orthogonal weights in a
    recurrent net.

    ## References
    Cohen et al. 2021, "Gradient Descent on Neural Networks Typically Occurs at the Edge of
    Stability"; Cohen et al. 2022, "Adaptive Gradient Methods at the Edge of Stability".
    """

    name = "learning-rate-too-high"
    family = "optimizer"
    severity = "error"
    tier = "probe"
    needs = ("loss", "learning_rate")
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
        "input_nonfinite_share",
        "input_nan_share",
        "nonfinite_origin",
        "nonfinite_traced",
        "nothing_counted",
        "grad_nonfinite_share",
        "grad_norm",
        "without_gradient",
        "rate_changed",
    )
    requires = (
        OneOptimizer(),
        Steps(),
        RateAtItsHeight(),
        UnlessRaised(ConstantLoss(unless_broken=True)),
    )
    is_effect = (Effect.RATE_TOO_HIGH,)
    leads_to = {
        Effect.DEAD: "a step that is too long throws units to where they give zero",
        Effect.SATURATED: "a step that is too long throws units to their bounds",
        Effect.VANISHING: "weights thrown far away leave layer after layer without slope",
        Effect.NOT_FINITE: "each step overshoots by more than the last, until it overflows",
        Effect.NOT_LEARNING: "weights thrown far away sit where the loss is flat",
    }
    limits = {
        "damage": Limit(0.95, "of a constant's loss", _SWEEP),
        "stress": Limit(1.0, "of the stability limit", "Cohen et al. 2021, 2022"),
        "harmful": Limit(0.25, "of the steps", _SWEEP),
        "some": Limit(3, "harmful steps", _SWEEP),
        "collapse": Limit(0.1, "step quality in the first steps", _SWEEP),
        "early": Limit(6, "steps", "ours: a network is thrown away at once or not at all"),
        "poor": Limit(0.5, "of a constant's loss", _SWEEP),
        "worse": Limit(1.2, "of a constant's loss", _SWEEP),
        "thrown": Limit(1.5, "times the first loss", _SWEEP),
        "vain": Limit(0.07, "of what was promised", f"{_RIGHT}: at least 0.10 where right"),
        "many": Limit(20, "samples", "ours: five of them are a quarter"),
        "learnt": Limit(0.05, "of a constant's loss", "ours: little is left to learn below it"),
        "stands": Limit(0.9, "of the loss in the second quarter", "ours: a tenth is learning"),
        "undone": Limit(0.5, "of what had been learnt before a jump", "ours: half of it is lost"),
        "higher": Limit(
            2.0, "times the loss before a jump", "llm-foundry's KillLossSpike: twice the mean"
        ),
        "samples": Limit(5, "samples", "ours: fewer harmful steps may be chance"),
        "steps": Limit(50, "steps", "measured in benchmarks/false_alarms.md: 30 are too few"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        idle = {
            event.training
            for event in run.events(WITHOUT_GRADIENT)
            if event.data["count"] == event.data["of"]
        }
        for training in self.judgeable(run):
            if training.index in idle and not training.places("grad_norm"):
                continue  # it never moved
            if later := after_a_jump(self, run, training):
                yield later
                continue
            share, damage = self._damage(run, training)
            evidence = self._causes(training, share)
            if damage is None or not evidence:
                if found := steps_in_vain(self, run, training):
                    yield found
                continue
            partial = share < self.limit("damage")
            if partial and not {"step_quality", "loss"} <= {e.signal for e in evidence}:
                continue
            weak = partial or (len(evidence) == 1 and evidence[0].limit == self.limit("collapse"))
            rate = training.series("learning_rate", "group 0").first
            advice, remedies = what_to_try(run, rate, self._factor(evidence[0]))
            yield self.found(
                f"{damage}; {self._says(evidence[0])}",
                "steps longer than the loss surface is smooth throw the weights far away",
                try_=advice,
                where=Where(site=training.site, group=0),
                steps=(0, training.steps - 1),
                evidence=evidence,
                severity="warning" if weak else None,
                tricks=tuple(remedies),
                training=training,
                began=(0, self._seen(training, evidence)),
            )

    def _damage(self, run: RunView, training: Training) -> tuple[float, str | None]:
        """Returns the last loss as a share of a constant's, and what is bad about it."""
        losses, call = training.series("loss"), only_loss(run, training)
        if ends_broken(training):
            if self._spoiled(run, training):
                return 0.0, None
            first = next(step for step, value in losses if not math.isfinite(value))
            return math.inf, f"the loss was first not finite at step {first}, nor was it at the end"
        floor = constant_loss(training, call) if call is not None else None
        seen = trend(losses.finite())
        if floor is None or seen is None or seen.end < self.limit("poor") * floor:
            return 0.0, None
        what = f"the loss ended at {seen.end:.4g}, where a constant prediction has {floor:.4g}"
        return seen.end / floor, what

    @staticmethod
    def _spoiled(run: RunView, training: Training) -> bool:
        """Whether a batch brought in the first number that is not finite, or was empty.

        Or an operation that has no value there, however short the steps.
        """
        broken = next(step for step, loss in training.series("loss") if not math.isfinite(loss))
        batches = spoiled_batches(run, training)
        if is_undefined(run, training, broken):
            return True
        return any(batch.harmful and batch.step <= broken for batch in batches) or any(
            of is training and event.step <= broken for of, event, _ in over_nothing(run)
        )

    def _causes(self, training: Training, share: float) -> tuple[Evidence, ...]:
        found = []
        stress = first_stress(training)
        if stress is not None and stress[0] > self.limit("stress") * stress[1]:
            found.append(Evidence("rate_times_sharpness", *stress, "1"))
        quality = training.series("step_quality").finite().values
        harmful = sum(value < 0 for value in quality)
        first = worst_of_first(training, int(self.limit("early")))
        collapsed = first < self.limit("collapse")
        enough = harmful >= self.limit("harmful") * len(quality)
        marked = collapsed or self.limit("worse") < share < math.inf
        some, partial = harmful >= self.limit("some") and marked, share < self.limit("damage")
        if len(quality) >= self.limit("samples") and (some or (enough and not partial)):
            part = harmful / len(quality)
            found.append(Evidence("step_quality", part, self.limit("harmful"), "of steps < 0"))
        elif collapsed and not partial:
            found.append(Evidence("step_quality", first, self.limit("collapse"), "1"))
        losses = training.series("loss").finite()
        early = max(losses.values[1 : max(len(losses) // 10, 10)], default=0.0)
        if early > self.limit("thrown") * losses.first > 0 and raised_by_steps(training, early):
            up = early / losses.first
            found.append(Evidence("loss", up, self.limit("thrown"), "times the first loss"))
        return tuple(found)

    def _seen(self, training: Training, evidence: tuple[Evidence, ...]) -> int:
        """Returns the first step at which one of the measurements was enough to tell."""
        quality, losses = training.series("step_quality"), training.series("loss")
        seen = []
        for item in evidence:
            if item.signal == "rate_times_sharpness":
                seen.append(training.series(item.signal).finite().steps[0])
            elif item.signal == "loss":
                high = self.limit("thrown") * losses.finite().first
                seen.append(next(step for step, loss in losses if loss > high))
            elif item.unit == "1":
                seen.append(next(s for s, v in quality if v < self.limit("collapse")))
            else:
                harmful = [step for step, value in quality if value < 0]
                seen.append(harmful[min(int(self.limit("some")), len(harmful)) - 1])
        return min(seen)

    @staticmethod
    def _says(cause: Evidence) -> str:
        if cause.signal == "rate_times_sharpness":
            return f"rate x sharpness began at {cause.value:.3g}, stable below {cause.limit:.3g}"
        if cause.signal == "loss":
            return f"the first steps threw the loss to {cause.value:.3g} times where it started"
        if cause.unit == "1":
            return f"one of the first steps did {cause.value:.0%} of what its gradient promised"
        return f"{cause.value:.0%} of the steps measured raised the loss of their own batch"

    @staticmethod
    def _factor(cause: Evidence) -> float:
        """Returns how much lower a rate to try: a third of the limit, or a tenth."""
        if cause.signal == "rate_times_sharpness" and cause.limit:
            return cause.limit / (3 * cause.value)
        return 0.1
