"""The check `loss-oscillating`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import fmean

from ...journal.events import LOADER
from ...journal.view import RunView, Training
from ...signals.trend import line
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import OneObjective, Steps


class LossOscillating(Check):
    """The loss goes up and down from one step to the next, and gets no lower.

    ## What it does
    Of the second half of the training assay takes the straight line away and correlates each loss
    with the next one. Noise from batch to batch gives about 0; a loss that is high, low, high, low
    comes near -1. It is reported where the swings are no trifle, and the loss falls no more.

    ## Why it matters
    Each step overshoots the valley and the next one comes back: the rate is just too high for the
    steepest direction, and no number of steps gets further down.

    ## Evidence
    Heuristic. The correlation of neighbours, and the swing as a share of the loss.

    ## Known exceptions
    Silent: noise, slow waves (cyclic rates, warm restarts), losses that go on falling while they
    swing, epochs of two batches. Not judged: several optimizers, short runs. Two tasks that take
    turns by hand look the same, and are reported.

    ## Example
    Gradient descent on all data at once, with a rate at twice the inverse of the curvature.

    ## What to try
    A rate of a third, or a schedule that lowers it.

    ## References
    Cohen et al.: Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability,
    ICLR 2021. Nikanjam et al., TheDeepChecker (more than half of the signs flip).
    """

    name = "loss-oscillating"
    family = "loss"
    severity = "note"
    tier = "heuristic"
    status = "preview"
    needs = ("loss",)
    reads = ("loss", "loader")
    requires = (OneObjective(), Steps())
    limits = {
        "correlation": Limit(
            -0.6, "of neighbours", "ours: noise of 75 steps lies within 0.35 of 0"
        ),
        "swing": Limit(0.01, "of the loss", "ours: two sides of a valley are about as high"),
        "steps": Limit(150, "steps", "ours: the second half is 75 then"),
        "errors": Limit(2.0, "standard errors", "the usual 5 % level of a two-sided test"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        if any(_two_batches(event.data) for event in run.events(LOADER)):
            return
        for training in self.judgeable(run):
            found = self._swings(training)
            if found is None:
                continue
            correlation, swing, steps = found
            yield self.found(
                f"the loss went up and down from step to step, by {swing:.0%} of its mean: in the "
                f"second half neighbours correlate by {correlation:.2f}, and it fell no more",
                "each step overshoots and the next one comes back",
                try_=("a rate of about a third, or a schedule that lowers it",),
                where=Where(site=training.site),
                steps=steps,
                evidence=(
                    Evidence("loss", correlation, self.limit("correlation"), "of neighbours"),
                    Evidence("loss", swing, self.limit("swing"), "of the loss"),
                ),
                tricks=(Remedy("lr", "x0.3"), Remedy("lr", "x0.1")),
                training=training,
                began=(0, steps[0]),
            )

    def _swings(self, training: Training) -> tuple[float, float, tuple[int, int]] | None:
        losses = training.series("loss")
        half = len(losses) // 2
        values, steps = list(losses.values[half:]), losses.steps[half:]
        if len(values) < 3 or not all(map(math.isfinite, values)):
            return None
        slope, error = line(values)
        centre, mean = (len(values) - 1) / 2, fmean(values)
        rest = [v - mean - slope * (i - centre) for i, v in enumerate(values)]
        power = sum(r * r for r in rest)
        if not power or not mean:
            return None
        correlation = sum(a * b for a, b in pairwise(rest)) / power
        swing = math.sqrt(power / len(values)) / abs(mean)
        if correlation > self.limit("correlation") or swing < self.limit("swing"):
            return None
        falls = -slope > self.limit("errors") * error
        return None if falls else (correlation, swing, (steps[0], steps[-1]))


def _two_batches(loader: object) -> bool:
    """Whether an epoch of a loader has two batches, which are unequal in each one alike."""
    size, batch = (loader.get(key) for key in ("size", "batch_size"))  # type: ignore[attr-defined]
    return bool(size and batch) and math.ceil(size / batch) == 2
