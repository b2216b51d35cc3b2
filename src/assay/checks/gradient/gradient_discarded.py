"""The check `gradient-discarded`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.events import CLEARED, PASS_WASTED
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import Samples


class GradientDiscarded(Check):
    """Gradients are cleared after a backward pass and before the step that should use them.

    ## What it does
    On sampled steps assay notes what clears gradients between the last `backward()` and
    `optimizer.step()`, and whether anything is left for the step: a gradient that is not zero. Of
    several passes before one step it counts those whose gradients were cleared before the next.

    ## Why it matters
    The step has nothing to go by. The weights stay as they are, or move by momentum and weight
    decay alone, and nothing fails.

    ## Evidence
    Exact. `gradient_discarded` is 1 for a step whose gradients had all been cleared: none or zero;
    `passes_wasted` is the share of passes that were cleared, where the step followed the last one.

    ## Known exceptions
    Silent: gradients that are cleared and then put in place by hand (gradient surgery, per-sample
    clipping); a script that throws away some of its batches, such as those that are not finite; the
    gradients that one player of a GAN leaves in the other; passes for adversarial examples,
    sharpness-aware steps, or through a graph that is kept.

    ## Example
    `loss.backward(); optimizer.zero_grad(); optimizer.step()`; a step every four batches, and
    `zero_grad()` before each of them.

    ## What to try
    Clear before `loss.backward()`, or after `optimizer.step()`; once for each step.

    ## References
    PyTorch documentation, `torch.optim.Optimizer.zero_grad`.
    """

    name = "gradient-discarded"
    family = "gradient"
    severity = "error"
    tier = "exact"
    by_hand = "where the gradients are to be cleared is one line in the loop"
    needs = ("gradient_discarded",)
    reads = ("gradient_discarded", "cleared", "passes_wasted", "pass_wasted")
    requires = (Samples(("gradient_discarded",)),)
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "samples": Limit(3, "steps", "ours: one or two batches may be thrown away on purpose"),
        "share": Limit(0.5, "of the steps", "ours: who throws away bad batches keeps the most"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            yield from self._wasted(run, training)
            discarded = training.series("gradient_discarded").finite()
            steps = [step for step, value in discarded if value]
            few = len(steps) < self.limit("samples")
            if few or len(steps) <= self.limit("share") * len(discarded):
                continue
            lines = [e.data["by"] for e in run.events(CLEARED) if e.training == training.index]
            by = next((Site.read(row) for row in lines if row), None)
            at = f" at {by}" if by else ""
            yield self.found(
                f"gradients were cleared{at} between backward() and the step in {len(steps)} of "
                f"{len(discarded)} sampled steps: nothing was left for the step to use",
                "without a gradient the step can't follow the loss: what was computed is lost",
                try_=("clear gradients before loss.backward(), or after optimizer.step()",),
                where=Where(site=by or training.step_site or training.site),
                steps=(steps[0], steps[-1]),
                evidence=(Evidence("gradient_discarded", 1.0, 0.0, "1"),),
                training=training,
            )

    def _wasted(self, run: RunView, training: Training) -> Iterator[Finding]:
        """Finds a step that follows the last of several passes alone."""
        shares = training.series("passes_wasted").finite()
        wasted = [(step, value) for step, value in shares if value > 0]
        few = len(wasted) < self.limit("samples")
        if few or len(wasted) <= self.limit("share") * len(shares):
            return
        rows = [e.data["by"] for e in run.events(PASS_WASTED) if e.training == training.index]
        by = next((Site.read(row) for row in rows if row), None)
        share = fmean(value for _, value in wasted)
        at = f" at {by}" if by else ""
        yield self.found(
            f"{share:.0%} of the backward passes before a step were for nothing, in {len(wasted)} "
            f"of {len(shares)} sampled steps: their gradients were cleared{at} before the next, "
            "and the step followed the last one alone",
            "the batch is a part of what was meant, and so is the gradient if the loss is divided",
            try_=("clear gradients once for each step: after optimizer.step()",),
            where=Where(site=by or training.step_site or training.site),
            steps=(wasted[0][0], wasted[-1][0]),
            evidence=(Evidence("passes_wasted", share, 0.0, "of passes"),),
            training=training,
        )
