"""The check `warmup-missing`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.view import RunView, Training
from ...signals.shape import leading_rates
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import OneOptimizer, Samples, Steps


class WarmupMissing(Check):
    """The first steps, at the full rate, did harm; later ones at that rate did what they should.

    ## What it does
    Looks at the quality of the first steps, at how far they threw the loss up, and at the quality
    of the steps after the opening window.

    ## Why it matters
    The weights are thrown to a place that nobody chose, and training begins there. It may do as
    well as without; with deep networks and transformers it often does not.

    ## Evidence
    Heuristic. `step_quality` (actual over predicted change of the loss on the same batch; below 0 a
    step did harm) and the loss. That a warm-up would do better is for a trial to say, and
    `assay fix --explore` makes it: a note.

    ## Known exceptions
    Silent: rates that begin low; first steps without harm; training whose later steps do harm too,
    since then the rate is too high altogether; losses that are not finite.

    ## Example
    SGD whose rate times the sharpness of the untrained network is between one and two times the
    stability limit.

    ## What to try
    A warm-up over the first steps: 100, or 5 % of all.

    ## References
    Gilmer et al.: A Loss Curvature Perspective on Training Instability in Deep Learning, 2021;
    Lewkowycz et al.: The large learning rate phase of deep learning: the catapult mechanism, 2020;
    Liu et al.: On the Variance of the Adaptive Learning Rate and Beyond, 2020.
    """

    name = "warmup-missing"
    family = "schedule"
    severity = "note"
    tier = "heuristic"
    status = "preview"
    needs = ("step_quality", "loss", "learning_rate")
    reads = ("step_quality", "loss", "learning_rate")
    requires = (OneOptimizer(), Steps(), Samples(("step_quality",)))
    limits = {
        "steps": Limit(50, "steps", "measured in benchmarks/false_alarms.md: 30 are too few"),
        "first": Limit(12, "steps", "ours: a network is thrown away at once or not at all"),
        "harmful": Limit(2, "of the first steps", "ours: one may be chance"),
        "thrown": Limit(1.5, "times the first loss", "benchmarks/calibration/learning_rate.py"),
        "opening": Limit(32, "steps", "the opening window"),
        "later": Limit(0.1, "of later steps harm", "ours: below half of a rate that is too high"),
        "learnt": Limit(0.5, "of the first loss", "ours: a run that was thrown away does not fall"),
        "samples": Limit(8, "samples", "ours: fewer make no median"),
        "from": Limit(0.5, "of the largest rate", "ours: a rate that begins lower warms up"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a note for each training whose first steps alone did harm."""
        for training in self.judgeable(run):
            if self._warms_up(training):
                continue
            quality, losses = training.series("step_quality").finite(), training.series("loss")
            first = int(self.limit("first"))
            harmful = [step for step, value in quality.between(0, first) if value < 0]
            later = quality.between(int(self.limit("opening")), training.steps)
            high = max(losses.between(0, first + 1).values, default=0.0)
            if (
                len(harmful) < self.limit("harmful")
                or len(later) < self.limit("samples")
                or not losses.first > 0
                or not high < float("inf")
                or high < self.limit("thrown") * losses.first
            ):
                continue
            worse = sum(value < 0 for value in later.values) / len(later)
            end = median(losses.values[-(len(losses) // 4) :])
            if worse <= self.limit("later") and end <= self.limit("learnt") * losses.first:
                yield self._finding(training, harmful, high / losses.first, worse, len(later))

    def _warms_up(self, training: Training) -> bool:
        rates = leading_rates(training).values
        return not rates or rates[0] < self.limit("from") * max(rates)

    def _finding(
        self, training: Training, harmful: list[int], thrown: float, worse: float, later: int
    ) -> Finding:
        steps = training.steps
        return self.found(
            f"{len(harmful)} of the first steps measured raised the loss of their own batch, and "
            f"the loss went to {thrown:.3g} times where it started; of {later} later steps "
            f"measured {worse:.0%} did so",
            "only the first steps were too long for this network",
            try_=("raise the rate from near 0 over the first steps: 100, or 5 % of all",),
            where=Where(site=training.site, group=0),
            steps=(0, harmful[-1]),
            evidence=(
                Evidence("step_quality", len(harmful), self.limit("harmful"), "steps < 0",
                         steps=(harmful[0], harmful[-1]), samples=len(harmful)),
                Evidence("loss", thrown, self.limit("thrown"), "times the first loss"),
            ),
            tricks=(Remedy("warmup", str(min(100, max(steps // 10, 5)))),),
            training=training,
            began=(0, harmful[0]),
        )  # fmt: skip
