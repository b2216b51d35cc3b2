"""The check `clipping-always`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.events import CLIP
from ...journal.view import RunView, Training
from ...signals.scaled import is_same
from ...signals.trend import Trend, trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Steps


class ClippingAlways(Check):
    """Every step of SGD is clipped to a small part of its gradient, and the loss hardly moves.

    ## What it does
    Compares, on sampled steps, the norm that `clip_grad_norm_` found with its limit. Reported for
    SGD if nearly all steps were clipped, the median one to a tenth or less, and the loss ended
    within a tenth of where it began.

    ## Why it matters
    A limit that always holds is no guard against rare large gradients: it sets the length of every
    step, to rate times limit, whatever the gradient says.

    ## Evidence
    Probe. `clip_norm` over `clip_limit`: how many times shorter the median gradient was made.

    ## Known exceptions
    Silent: a run that learns, as normalised gradients and private ones do with a rate that was
    chosen for it; optimizers that divide by the size of the gradient, such as Adam; gradients that
    are clipped with a GradScaler's factor in them, which has a check of its own.

    ## Example
    `clip_grad_norm_(model.parameters(), 0.001)` where gradients have a norm of 2.

    ## What to try
    A limit near the largest norms that healthy steps have, or a rate as many times as high.

    ## References
    Pascanu et al.: On the Difficulty of Training Recurrent Neural Networks, 2013, section 3.2: the
    average norm over many updates, and half to ten times that for the limit.
    """

    name = "clipping-always"
    family = "optimizer"
    severity = "warning"
    tier = "probe"
    needs = ("loss",)
    reads = ("clip_norm", "clip_limit", "raw_grad_norm", "loss_scaled_by", "loss", "clip")
    requires = (Steps(),)
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "steps": Limit(100, "steps", "as in learning-rate-too-low"),
        "samples": Limit(16, "samples", "ours: fewer may be the large gradients of a beginning"),
        "clipped": Limit(0.95, "of the steps looked at", "ours: nearly all"),
        "ratio": Limit(10, "times the limit", "Pascanu et al. 2013: within ten times of the mean"),
        "moved": Limit(0.1, "of the first loss", "as in learning-rate-too-low"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            ratios = self._ratios(training)
            seen = trend(training.series("loss").finite())
            if training.optimizer != "SGD" or not ratios or not self._stands_still(seen):
                continue
            assert seen is not None
            ratio, limit = median(ratios), training.series("clip_limit").last
            sites = (e.site for e in run.events(CLIP) if e.process == training.process)
            yield self.found(
                f"{sum(r > 1 for r in ratios)} of the {len(ratios)} steps looked at were clipped, "
                f"the median one from {ratio:.3g} times the limit of {limit:.3g}; the loss went "
                f"from {seen.begin:.4g} to {seen.end:.4g} in {training.steps} steps",
                "the limit sets the length of every step, and it is far below the gradients",
                try_=(f"a limit of {limit * ratio * 2:.2g}, or a rate {ratio:.2g} times as high",),
                where=Where(site=next(sites, training.step_site)),
                steps=(0, training.steps - 1),
                evidence=(Evidence("clip_norm", ratio, self.limit("ratio"), "times the limit"),),
                tricks=(Remedy("lr", f"x{ratio:.1g}"),),
                training=training,
            )

    def _ratios(self, training: Training) -> list[float]:
        """Returns norm over limit of each step looked at; empty where not nearly all are large."""
        limits, raw = training.series("clip_limit"), training.series("raw_grad_norm")
        scales = training.series("loss_scaled_by")
        ratios = [
            norm / limits.at(step)
            for step, norm in training.series("clip_norm").finite()
            if limits.at(step) > 0
            if not (scales.at(step) > 1 and is_same(norm, raw.at(step)))
        ]
        clipped = sum(ratio > 1 for ratio in ratios)
        enough = len(ratios) >= self.limit("samples")
        if not enough or clipped < self.limit("clipped") * len(ratios):
            return []
        return ratios if median(ratios) >= self.limit("ratio") else []

    def _stands_still(self, seen: Trend | None) -> bool:
        """Whether the loss ended about where it began."""
        return seen is not None and abs(seen.begin - seen.end) < self.limit("moved") * seen.begin
