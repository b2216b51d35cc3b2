"""The check `exploding-gradient`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from ...journal.series import Series
from ...journal.view import RunView, Training
from ...signals.jumps import jumps
from ...signals.norms import norms_while_well
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import That, ends_broken, too_few

_OTHERS = Remedy("init", "orthogonal"), Remedy("warmup"), Remedy("lr", "x0.1")


def _too_short(check: Check, run: RunView, training: Training) -> str | None:
    """Says that too few samples tell the usual size, where no loss broke that tells of a burst."""
    if ends_broken(training):
        return None
    return too_few(
        len(training.series("grad_norm")), check.limit("before"), 'samples of "Gradient norm"'
    )


class ExplodingGradient(Check):
    """Gradients grew far beyond their usual size, were not clipped, and the step did harm.

    ## What it does
    Compares the norm of all gradients together with the median of the samples before (at the first
    sample: with the norm of the weights). It speaks when the norm is many times larger, was
    not clipped, and the losses after that step are much worse than those before, or not finite.

    ## Why it matters
    One such step undoes the work of hundreds, or ends the run in nan.

    ## Evidence
    Heuristic: `grad_norm` as the optimizer used it, and the loss. Between samples a burst can be
    missed.

    ## Known exceptions
    Silent: clipped gradients, bursts that the loss survives (a hard batch, an outlier), losses that
    start high, gradients that are large throughout, all that comes after a jump of the rate.

    ## Example
    A recurrent net over long sequences without clipping; deep nets with weights that are too large.

    ## What to try
    Clip the norm at the 90th percentile of the norms measured before the burst; smaller or
    orthogonal recurrent weights; a lower rate or a warm-up.

    ## References
    Pascanu, Mikolov, Bengio 2013, "On the difficulty of training recurrent neural networks".
    Google's tuning playbook: clip at the 90th percentile of the norms.
    """

    name = "exploding-gradient"
    family = "gradient"
    severity = "warning"
    tier = "heuristic"
    needs = ("grad_norm", "loss")
    reads = ("grad_norm", "loss", "clip_norm", "weight_norm", "learning_rate")
    requires = (That(_too_short),)
    is_effect = (Effect.EXPLODING,)
    leads_to = {
        Effect.RATE_TOO_HIGH: "a gradient far too large looks like a rate that is too high",
        Effect.DEAD: "one such step throws units to where they give zero",
        Effect.SATURATED: "one such step throws units to their bounds",
        Effect.NOT_FINITE: "weights thrown that far overflow in the next forward pass",
        Effect.NOT_LEARNING: "what was learnt is lost with one step",
    }
    limits = {
        "burst": Limit(
            30.0,
            "times the median before",
            "measured in benchmarks/calibration/gradient_depth.py: healthy <= 6.4",
        ),
        "start": Limit(
            100.0, "times the weights", "measured in benchmarks/calibration/gradient_depth.py"
        ),
        "harm": Limit(2.0, "losses after / before", "llm-foundry's KillLossSpike: twice the mean"),
        "before": Limit(8, "samples", "ours: fewer give no usual size"),
        "after": Limit(8, "steps", "ours: an outlier is over after a step or two"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            burst = self._burst(training)
            if burst is None:
                continue
            step, norm, usual, limit, what = burst
            clip = f"{self._clip_at(training, step):.2g}"
            size = (
                f"{norm / usual:,.0f} times {what} ({usual:.3g})" if norm < math.inf else "infinite"
            )
            yield self.found(
                f"the gradient's norm was {norm:.3g} at step {step}, {size}, and was not clipped; "
                "the losses after it were much worse",
                "one step along such a gradient throws the weights far away from where they were",
                try_=(
                    f"clip the gradient's norm, at about {clip}, before optimizer.step()",
                    "initialise recurrent or deep weights smaller, or orthogonally",
                    "lower the learning rate or warm it up",
                ),
                where=Where(site=training.site),
                steps=(step, step),
                evidence=(Evidence("grad_norm", norm / usual, limit, what),),
                tricks=(Remedy("clip-norm", clip), *_OTHERS),
                training=training,
            )

    def _burst(self, training: Training) -> tuple[int, float, float, float, str] | None:
        """Returns step, norm, usual norm, limit and usual values of the first harmful burst."""
        clipped, earlier = set(training.series("clip_norm").steps), list[float]()
        raised = {jump.step for jump in jumps(training)}
        for step, norm in training.series("grad_norm"):
            if any(jump < step for jump in raised):
                return None  # the rate was raised: what comes after it comes of that
            if norm != norm:
                return None  # what came before was no burst, and nan is another check's business
            if step not in clipped and self._harmed(training.series("loss"), step):
                usual = median(earlier) if len(earlier) >= self.limit("before") else math.nan
                if usual > 0 and norm >= self.limit("burst") * usual:
                    return step, norm, usual, self.limit("burst"), "the median before"
                weights = self._weights(training, step)
                if not earlier and weights > 0 and norm >= self.limit("start") * weights:
                    return step, norm, weights, self.limit("start"), "the norm of the weights"
            earlier.append(norm)
        return None

    def _harmed(self, losses: Series, step: int) -> bool:
        span = int(self.limit("after"))
        before = [v for s, v in losses.between(step - span, step + 1) if math.isfinite(v)]
        after = list(losses.between(step + 1, step + 1 + span).values)
        if not before or not after:
            return False
        if not all(map(math.isfinite, after)):
            return True
        usual = median(before)
        return usual > 0 and median(after) >= self.limit("harm") * usual

    @staticmethod
    def _weights(training: Training, step: int) -> float:
        norms = [training.series("weight_norm", p).at(step) for p in training.places("weight_norm")]
        return math.sqrt(sum(n * n for n in norms if n == n))

    def _clip_at(self, training: Training, step: int) -> float:
        """Returns the 90th percentile of the norms before the burst; 1 if none of them was well."""
        weights = self._weights(training, step)
        most = self.limit("start") * (weights or math.inf)
        norms = [norm for norm in norms_while_well(training, step) if norm < most]
        return norms[int(0.9 * (len(norms) - 1))] if norms else 1.0
