"""The check `underfitting`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.evaluations import held_out_loss
from ...signals.objective import only_loss
from ..base import Check, Limit
from ..finding import Evidence, Finding
from ..requirements import ConstantLoss, OneObjective, Steps, That, too_few


def _too_few_evaluations(check: Check, run: RunView, training: Training) -> str | None:
    """Says that held-out losses are too few."""
    return too_few(len(held_out_loss(training)), check.limit("evaluations"), "evaluations")


class Underfitting(Check):
    """The training data themselves are not fitted, and more steps do not help.

    ## What it does
    Looks for a training loss that stands still, below that of a constant prediction and far from a
    fit, at a rate that has not been taken back before, with a held-out loss that is no worse.

    ## Why it matters
    What is missing is not data nor time: the model can't express what there is to learn, is held
    back by regularisation, or the rest is noise.

    ## Evidence
    Heuristic, a note: the training loss over that of a constant prediction, how much of that it
    fell in the last quarter of the steps, and the held-out loss.

    ## Known exceptions
    Where the targets are noisy nobody can do better: the note can't tell that from a model that is
    too small. Silent where the loss still falls, where the rate had been taken back, and where the
    held-out loss is higher than the training loss.

    ## Example
    A linear model for classes that lie in rings.

    ## What to try
    A larger model, or other features; less dropout and weight decay. If a small part of the data
    can't be learnt by heart either, it is the model.

    ## References
    Goodfellow, Bengio, Courville: Deep Learning, 2016, section 5.2.
    """

    name = "underfitting"
    family = "generalisation"
    severity = "note"
    tier = "heuristic"
    by_hand = "a larger model, or other features, are another model"
    needs = ("loss", "evaluation_loss")
    reads = (
        "loss", "evaluation_loss", "learning_rate", "loss_call", "loss_call_value", "target_mean",
        "target_std", "label_count",
    )  # fmt: skip
    requires = (Steps(), OneObjective(), ConstantLoss(), That(_too_few_evaluations))
    limits = {
        "steps": Limit(150, "steps", "ours: earlier most losses still fall"),
        "evaluations": Limit(3, "evaluations", "ours: fewer may be chance"),
        "low": Limit(0.4, "of a constant's loss", "ours: below it is a fit, if not a good one"),
        "high": Limit(0.95, "of a constant's loss", "ours: above it nothing was learnt"),
        "still": Limit(0.01, "of a constant's loss", "ours: in the last quarter, against the one "
                       "before"),
        "rate": Limit(0.5, "of the highest rate", "ours: a lower one stands still by itself"),
        "held": Limit(1.1, "times the training loss", "ours: more is generalisation"),
    }  # fmt: skip

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            call = only_loss(run, training)
            constant = constant_loss(training, call) if call is not None else None
            losses = training.series("loss").finite().values
            quarter = len(losses) // 4
            if constant is None or quarter < 1 or self._taken_back(training):
                continue
            before, end = fmean(losses[-2 * quarter : -quarter]), fmean(losses[-quarter:])
            held = held_out_loss(training).finite().values
            there = fmean(held[-max(len(held) // 4, 1) :]) if len(held) else constant
            unfit = self.limit("low") * constant < end < self.limit("high") * constant
            still = abs(before - end) < self.limit("still") * constant
            if unfit and still and there < self.limit("held") * end:
                yield self.found(
                    f"the training loss stood still at {end:.3g}, {end / constant:.0%} of that of "
                    f"a constant prediction, and the held-out loss at {there:.3g}",
                    "the training data themselves are not fitted: a larger model may, unless the "
                    "rest is noise",
                    try_=(
                        "see whether a few batches can be learnt by heart",
                        "a larger model, or less dropout and weight decay",
                    ),
                    steps=(training.steps // 2, training.steps - 1),
                    evidence=(
                        Evidence("loss", end / constant, self.limit("low"), "of a constant's loss"),
                    ),
                    training=training,
                )

    def _taken_back(self, training: Training) -> bool:
        """Whether the rate was low already when the loss stood still."""
        rates = training.series("learning_rate", "group 0")
        known = rates.between(0, 3 * training.steps // 4 + 1).values
        return bool(len(known)) and known[-1] < self.limit("rate") * max(rates.values)
