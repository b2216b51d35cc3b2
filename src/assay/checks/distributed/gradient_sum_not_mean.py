"""The check `gradient-sum-not-mean`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.ranks import Ranks, is_about, side_by_side
from ...signals.trend import trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import That
from ._side_by_side import MOSTLY, not_compared


class GradientSumNotMean(Check):
    """Gradients of all ranks are added up and never divided: SGD steps as many times too far.

    ## What it does
    On sampled steps each rank writes a weighted sum of its gradient as `backward()` left it, and as
    the optimizer used it. If what was used is the sum over the ranks of what they had, each the
    gradient of a loss function's mean over its batch, nobody has divided by the number of ranks.

    ## Why it matters
    The step grows with the number of ranks: a rate that was right on one is too high on eight.

    ## Evidence
    Exact: the gradient that was used is the sum of the ranks' own, to four digits, in nine of ten
    steps. A warning if the loss did not fall, else a note: the rate may have been chosen for the
    sum.

    ## Known exceptions
    A loss that is divided before its backward pass, or is a sum; gradients that are clipped; Adam
    and others for which the size of the gradient does not matter.

    ## Example
    `dist.all_reduce(p.grad)`, which adds, and then `optimizer.step()`.

    ## What to try
    Divide by `dist.get_world_size()`, or reduce with `op=dist.ReduceOp.AVG` where the backend has
    it; DistributedDataParallel averages by itself.

    ## References
    Goyal et al.: Accurate, Large Minibatch SGD, 2017, section 3, remark 3.
    """

    name = "gradient-sum-not-mean"
    family = "distributed"
    severity = "warning"
    tier = "exact"
    needs = ("grad_sum", "local_grad_sum")
    reads = (
        "grad_sum",
        "local_grad_sum",
        "grad_norm",
        "backward_passes",
        "scaled_passes",
        "mean_loss_passes",
        "loss",
    )
    requires = (That(not_compared),)
    leads_to = {
        Effect.EXPLODING: "a sum over the ranks is as many times as long as the mean",
        Effect.RATE_TOO_HIGH: "a sum over the ranks makes steps as many times as long",
    }
    limits = {
        "steps": Limit(3, "steps", "ours: one or two could be so by chance"),
        "kept": Limit(0.95, "of the first loss", "as for accumulation-not-normalised"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            count = len(ranks.trainings)
            steps = self._summed(ranks)
            if ranks.first.optimizer != "SGD" or not steps:
                continue
            failed = any(self._not_falling(training) for training in ranks.trainings)
            span = steps[0], steps[-1]
            yield self.found(
                f"each step used the sum of the gradients of {count} ranks, each of a mean loss, "
                f"which nobody divided by {count}" + ("; the loss did not fall" if failed else ""),
                "the step of SGD grows with the number of ranks",
                try_=(f"divide the summed gradients by {count}, the number of ranks",),
                where=Where(site=ranks.first.step_site),
                steps=span,
                evidence=(Evidence("grad_sum", count, 1, "times the mean", steps=span),),
                severity=None if failed else "note",
                tricks=(Remedy("lr", f"x{1 / count:.3g}"),),
                training=ranks.first,
                processes=ranks.processes,
            )

    def _summed(self, ranks: Ranks) -> list[int]:
        """Returns the steps that used the sum of means; empty where most did not."""
        parts = ranks.part_of_sum()
        means = [training.series("mean_loss_passes") for training in ranks.trainings]
        steps = [
            step
            for step, part in parts.items()
            if is_about(part, 1.0) and all(row.at(step) == 1 for row in means)
        ]
        return steps if len(steps) >= max(self.limit("steps"), MOSTLY * len(parts)) else []

    def _not_falling(self, training: Training) -> bool:
        losses = training.series("loss")
        if len(losses) and not math.isfinite(losses.last):
            return True
        seen = trend(losses.finite())
        return seen is not None and seen.end >= self.limit("kept") * losses.finite().first
