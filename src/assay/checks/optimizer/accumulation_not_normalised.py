"""The check `accumulation-not-normalised`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from ...journal.events import BACKWARD
from ...journal.view import RunView, Training
from ...signals.scaled import is_same
from ...signals.trend import trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Steps


class AccumulationNotNormalised(Check):
    """Gradients of several batches are added up, nobody divides, and the sum is too much for SGD.

    ## What it does
    Counts, on sampled steps, the backward passes from one line that were called on what a loss
    function gave back, a mean over its batch. If all passes of a step are such, more than one of
    them, and the gradients reach the optimizer as backward left them, the step's gradient is a sum
    of means. Reported for SGD, if the loss ended no better than it began, or not finite.

    ## Why it matters
    A sum over k batches is k times the mean: so are the steps, and a rate that was right for one
    batch is k times too high.

    ## Evidence
    Probe. `mean_loss_passes`: how many means were added up for a step.

    ## Known exceptions
    Silent: a run whose loss falls, since the rate may have been chosen for the sum; a loss or
    gradients that are divided, clipped or unscaled; a loss with `reduction="sum"`; optimizers that
    divide by the size of the gradient, such as Adam; passes from several lines, which are several
    losses.

    ## Example
    `criterion(model(x), y).backward()` for each of 16 batches, and then one `optimizer.step()`.

    ## What to try
    `(loss / batches_per_step).backward()`; of a last, shorter group divide by its own number.

    ## References
    Goyal et al.: Accurate, Large Minibatch SGD, 2017, section 3, remarks 2 and 3.
    """

    name = "accumulation-not-normalised"
    family = "optimizer"
    severity = "warning"
    tier = "probe"
    needs = ("mean_loss_passes",)
    reads = (
        "mean_loss_passes",
        "backward_passes",
        "raw_grad_norm",
        "grad_norm",
        "loss",
        "backward",
    )
    requires = (Steps(),)
    leads_to = (Effect.EXPLODING, Effect.RATE_TOO_HIGH, Effect.NOT_FINITE)
    limits = {
        "steps": Limit(20, "steps", "ours: fewer say nothing of how the loss goes"),
        "passes": Limit(2, "passes", "definition: one is no sum"),
        "most": Limit(0.9, "of the steps looked at", "ours: the rest of an epoch may be shorter"),
        "kept": Limit(0.95, "of the first loss", "ours: the loss did not fall"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            summed = self._summed(training)
            how = self._harm(training)
            if training.optimizer != "SGD" or not summed or how is None:
                continue
            count = median(summed)
            sites = (e.site for e in run.events(BACKWARD) if e.process == training.process)
            yield self.found(
                f"each step used the sum of {count:g} gradients, each of a batch's mean loss, "
                f"which nobody divided by {count:g}; {how}",
                "a sum is as many times as long as the mean, and so is the step of SGD",
                try_=(f"divide the loss by {count:g} before backward(), or the rate",),
                where=Where(site=next(sites, training.step_site)),
                steps=(0, training.steps - 1),
                evidence=(Evidence("mean_loss_passes", count, 1, "passes"),),
                tricks=(Remedy("lr", f"x{1 / count:.3g}"),),
                training=training,
            )

    def _summed(self, training: Training) -> list[float]:
        """Returns how many means each step looked at was the sum of; empty where most were not."""
        looked = training.series("mean_loss_passes")
        passes, raw = training.series("backward_passes"), training.series("raw_grad_norm")
        used = training.series("grad_norm")
        summed = [
            count
            for step, count in looked
            if count >= self.limit("passes") and count == passes.at(step)
            if is_same(raw.at(step), used.at(step)) or not math.isfinite(raw.at(step))
        ]
        sure = any(math.isfinite(raw.at(step)) for step in raw.steps)
        return summed if sure and len(summed) >= self.limit("most") * len(looked) else []

    def _harm(self, training: Training) -> str | None:
        """Returns what became of the loss; None if it fell."""
        losses = training.series("loss")
        if len(losses) and not math.isfinite(losses.last):
            return "the loss was not finite in the end"
        seen = trend(losses.finite())
        if seen is None or seen.end < self.limit("kept") * losses.finite().first:
            return None
        return f"the loss, summed likewise, went from {losses.finite().first:.4g} to {seen.end:.4g}"
