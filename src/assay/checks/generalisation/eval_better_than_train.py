"""The check `eval-better-than-train`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.view import RunView, Training
from ...signals.evaluations import held_out_loss
from ...signals.objective import only_loss, why_not_only
from ..base import Check, Limit
from ..finding import Evidence, Finding
from ..requirements import That, too_few

WITHOUT = 8
"""Steps that are averaged at the start, and at the end where no step followed an evaluation."""


def _too_few_evaluations(check: Check, run: RunView, training: Training) -> str | None:
    """Says that held-out losses are too few."""
    return too_few(len(held_out_loss(training)), check.limit("evaluations"), "evaluations")


def _another_loss(check: Check, run: RunView, training: Training) -> str | None:
    """Says that the training loss is no plain call of a loss function."""
    return why_not_only(run, training)


class EvalBetterThanTrain(Check):
    """The held-out loss is far below the training loss, and the mode does not explain it.

    ## What it does
    Compares the held-out losses of the last third of the evaluations with the training loss of the
    same time, by the same loss function. What dropout and other noise add to the training loss is
    taken off: assay has computed the loss of some training batches in evaluation mode too.

    ## Why it matters
    Data that were not trained on can't be easier than those that were, unless they are others: a
    split that is not random, samples that stand in both, targets that are given away, or training
    data that are made harder.

    ## Evidence
    Heuristic, a note: the ratio of the two losses.

    ## Known exceptions
    Strong augmentation, hard negatives and label noise make training data harder on purpose. Silent
    where the loss is a sum of several or weights its classes, where labels are smoothed, and where
    the difference is small beside the first losses.

    ## Example
    A table sorted by the quality of its measurements, of which the first rows are held out.

    ## What to try
    Shuffle before the split; look at the held-out samples; compare both sets without augmentation.

    ## References
    Kaufman et al.: Leakage in Data Mining, 2012.
    """

    name = "eval-better-than-train"
    family = "generalisation"
    severity = "note"
    tier = "heuristic"
    by_hand = "a split is made where the data are read"
    needs = ("loss", "evaluation_loss")
    reads = (
        "loss", "evaluation_loss", "loss_in_training_mode", "loss_in_evaluation_mode", "loss_call",
        "loss_call_value",
    )  # fmt: skip
    requires = (That(_too_few_evaluations), That(_another_loss))
    limits = {
        "evaluations": Limit(3, "evaluations", "ours: fewer may be chance"),
        "ratio": Limit(
            0.6,
            "of the training loss",
            "ours: right scripts have 0.75 and more, but for one "
            "whose training labels are spoilt on purpose",
        ),
        "share": Limit(0.1, "of the first losses", "ours: a smaller difference says nothing"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            call = only_loss(run, training)
            if call is None or call.data.get("label_smoothing"):
                continue
            held = training.series("evaluation_loss", call.data["fn"]).finite()
            values = training.series("loss").finite().values
            if len(held) < self.limit("evaluations") or not len(values):
                continue
            few = len(held) // 3
            since = held.steps[-few]
            losses = training.series("loss").between(since, training.steps).finite().values
            losses, first = losses or values[-WITHOUT:], values[:WITHOUT]
            there, here = fmean(held.values[-few:]), fmean(losses) * _by_mode(training)
            far = there < self.limit("ratio") * here
            if there > 0 and far and here - there > self.limit("share") * fmean(first):
                yield self.found(
                    f"the held-out loss ended at {there:.3g}, where training batches have "
                    f"{here:.3g} in evaluation mode",
                    "held-out data that are easier than the training data are others",
                    try_=(
                        "split at random, and look for samples that stand in both sets",
                        "compare without augmentation, if there is any",
                    ),
                    steps=(since, training.steps - 1),
                    evidence=(
                        Evidence(
                            "evaluation_loss", there / here, self.limit("ratio"), "of the loss"
                        ),
                    ),
                    training=training,
                )


def _by_mode(training: Training) -> float:
    """Returns the loss in evaluation mode over that in training mode, at most 1."""
    here = dict(training.series("loss_in_training_mode").finite())
    there = dict(training.series("loss_in_evaluation_mode").finite())
    last = [step for step in there if here.get(step, 0) > 0][-2:]
    return min(1.0, *(there[step] / here[step] for step in last)) if last else 1.0
