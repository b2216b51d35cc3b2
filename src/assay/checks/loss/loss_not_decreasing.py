"""The check `loss-not-decreasing`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.series import Series
from ...journal.view import RunView
from ...signals.constant import constant_loss
from ...signals.objective import only_loss
from ...signals.trend import Trend, trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import ConstantLoss, OneObjective, RateAtItsHeight, Samples


class LossNotDecreasing(Check):
    """The loss ends no lower than that of a constant prediction, and no longer falls.

    ## What it does
    From the targets seen assay computes the loss of the best prediction that ignores the input: the
    entropy of the labels for cross-entropy, the variance of the targets for squared error. It
    reports a run whose mean loss over the last quarter is not below that while the second half
    shows no fall beyond the noise.

    ## Why it matters
    The model has learnt nothing from its inputs: a constant would do as well.

    ## Evidence
    Heuristic. The loss of the last quarter over the constant's loss, and the fall over the second
    half in standard errors.

    ## Known exceptions
    Silent: losses that start high and still fall; a run that begins at its floor, since
    the floor of a trained model lies below the constant's loss. Not judged: short runs; learning
    rates that are still warming up; several optimizers (GANs); a sum of losses (VAE) or weighted
    ones; losses without targets (policy gradients, contrastive losses); targets that drift, such as
    bootstrapped ones. A task that can't be
    learnt, such as a coin flip, is reported, and so may be a signal that explains less than about
    4 % of the targets' variance.

    ## Example
    Inputs shuffled without their labels: each label belongs to another sample.

    ## What to try
    Look at inputs and labels side by side, right before the model. Then try to overfit one batch:
    if that works the data are at fault, if not the model or the optimizer.

    ## References
    Karpathy: A recipe for training neural networks, 2019 (baselines; overfit one batch).
    """

    name = "loss-not-decreasing"
    family = "loss"
    severity = "warning"
    tier = "heuristic"
    needs = ("loss", "loss_call_value")
    reads = (
        "loss",
        "loss_call_value",
        "loss_call",
        "learning_rate",
        "label_count",
        "target_mean",
        "target_std",
    )
    requires = (OneObjective(), Samples(("loss",), "steps"), ConstantLoss(), RateAtItsHeight())
    is_effect = (Effect.NOT_LEARNING,)
    limits = {
        "steps": Limit(150, "steps", "measured in benchmarks/calibration/loss_trend.py"),
        "share": Limit(
            0.999,
            "of a constant's loss",
            "measured in benchmarks/calibration/loss_trend.py: to 0.989 in runs that learn and no "
            "longer fall; by definition 1, of which sampled targets tell a thousandth less or more",
        ),
        "learnt": Limit(
            0.95, "of a constant's loss", "measured in benchmarks/calibration/learning_rate.py"
        ),
        "errors": Limit(2.0, "standard errors", "the usual 5 % level of a two-sided test"),
        "tiny": Limit(
            0.01, "of a constant's loss", "measured in benchmarks/calibration/loss_trend.py"
        ),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            call = only_loss(run, training)
            losses = training.series("loss").finite()
            floor, seen = constant_loss(training, call) if call else None, trend(losses)
            if call is None or floor is None or seen is None:
                continue  # `requires` has seen to it
            share = seen.end / floor
            falls = seen.falls(self.limit("errors")) and seen.fall > self.limit("tiny") * floor
            if not share >= self.limit("share") or falls:
                continue
            known = self._last_known(losses, floor)
            first, last = losses.steps[0], losses.steps[int(self.limit("steps")) - 1]
            yield self.found(
                f"the loss went from {seen.begin:.4g} to {seen.end:.4g} in {seen.samples} steps"
                f"{f', and was {known[1]:.4g} about step {known[0]}' if known else ''}; a "
                f"constant prediction has {floor:.4g}",
                "the model has lost all that it had learnt, and no longer improves"
                if known
                else "the model has learnt nothing from its inputs, and no longer improves",
                try_=(
                    "look at inputs and labels side by side, right before the model",
                    "overfit one batch; if that works the data are at fault, else the model",
                ),
                where=Where(site=call.site),
                steps=(losses.steps[0], losses.steps[-1]),
                evidence=(
                    Evidence("loss", share, self.limit("share"), "of a constant's loss"),
                    *self._fall(seen, floor),
                ),
                tricks=(Remedy("lr", "x0.1"), Remedy("lr", "x10"), Remedy("init", "he")),
                training=training,
                began=(first, last) if known is None else (known[0], losses.steps[-1]),
            )  # fmt: skip

    def _fall(self, seen: Trend, floor: float) -> Iterator[Evidence]:
        """Yields how little it fell over the second half; nothing for a loss that rose."""
        if seen.fall <= 0:
            return
        if seen.falls(self.limit("errors")):
            unit = "of a constant's loss, fallen in the second half"
            yield Evidence("loss", seen.fall / floor, self.limit("tiny"), unit)
        else:
            errors = seen.fall / seen.fall_error
            unit = "standard errors, fallen in the second half"
            yield Evidence("loss", errors, self.limit("errors"), unit)

    def _last_known(self, losses: Series, floor: float) -> tuple[int, float] | None:
        """Returns where the loss was last below a constant's, and how low; None if it never was."""
        part = max(len(losses) // 10, 1)
        for begin in range(len(losses) - part, -1, -part):
            mean = fmean(losses.values[begin : begin + part])
            if mean < self.limit("learnt") * floor:
                return losses.steps[begin], mean
        return None
