"""The check `softmax-before-cross-entropy`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.domains import (
    Given,
    always_over_classes,
    calls,
    class_dimension,
    first_training,
    given,
    kinds,
)
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class SoftmaxBeforeCrossEntropy(Check):
    """`cross_entropy`, which wants logits, is given probabilities.

    ## What it does
    At each sampled call of `cross_entropy` assay looks whether the input has no negative number and
    sums to 1 over its classes, and which operation made it. That at every call is reported, as is
    the output of a sigmoid.

    ## Why it matters
    `cross_entropy` applies log-softmax itself. Applied twice, the largest possible gap between two
    logits is 1, so the loss can't fall below log(1 + (C-1)/e) for C classes (1.46 for ten),
    gradients shrink, and training is slow and stops early.

    ## Evidence
    Exact. `probability_dims` holds the dimension of classes at every sampled call; free logits
    don't do that once, let alone every time. A sigmoid is recognised as the operation that made the
    input in torch's own graph, not by the range of the values.

    ## Known exceptions
    `log_softmax` before `cross_entropy` is silent: doing it twice changes nothing. So are softmax
    outputs that are scaled or shifted afterwards, soft targets, label smoothing, and losses
    computed without gradients as a metric.

    ## Example
    `F.cross_entropy(torch.softmax(model(x), dim=1), y)`, or a model that ends in `nn.Softmax`.

    ## What to try
    Give the loss the raw outputs; apply softmax only where probabilities are read.

    ## References
    PyTorch documentation, `torch.nn.CrossEntropyLoss`.
    """

    name = "softmax-before-cross-entropy"
    family = "loss"
    severity = "error"
    tier = "exact"
    needs = ("loss_given",)
    reads = ("loss_given", "probability_dims")
    leads_to = {
        Effect.RATE_TOO_HIGH: "steps made to move probabilities drive the softmax to its ends",
        Effect.RATE_TOO_LOW: "two softmaxes in a row leave so little gradient that steps do little",
        Effect.NOT_LEARNING: "probabilities taken for logits can't express certainty",
    }
    limits = {
        "share": Limit(1.0, "of calls", "definition: a loss of logits never wants probabilities"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for events in given(run, "cross_entropy").values():
            rows = always_over_classes(run, events[0], "probability_dims")
            if rows:
                said = f"at {calls(len(rows))} each row was non-negative and summed to 1"
                yield self._finding(run, events[0], "softmax", said, [step for step, _ in rows])
            elif kinds(events) == {"sigmoid"}:
                said = "its input was the output of a sigmoid"
                yield self._finding(run, events[0], "sigmoid", said, [events[0].step])

    def _finding(
        self, run: RunView, event: Given, squash: str, said: str, steps: list[int]
    ) -> Finding:
        shape = event.data["shape"]
        classes = shape[class_dimension("cross_entropy", len(shape))]
        floor = math.log(1 + (classes - 1) / math.e)
        return self.found(
            f"cross_entropy was given probabilities: {said}",
            "cross_entropy applies softmax itself; of probabilities it can't fall below "
            f"{floor:.2f} for {classes} classes, and gradients shrink",
            try_=(
                f"remove the {squash} before cross_entropy; keep it where probabilities are read",
            ),
            where=Where(site=event.site),
            steps=(steps[0], steps[-1]),
            evidence=(Evidence("probability_dims", 1.0, self.limit("share"), "of calls"),),
            tricks=(Remedy("logits"),),
            training=first_training(run, event.data["place"], ("probability_dims",)),
            process=event.process,
        )
