"""The check `empty-batch`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView, Site
from ...signals.counted import over_nothing
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where


class EmptyBatch(Check):
    """A loss was computed over a batch without samples, and is NaN.

    ## What it does
    At a loss that is NaN assay looks into its graph for a mean of no elements. If no selection
    brought that about (that is `all-targets-ignored`), the batch itself was empty. It reports the
    first one that a step was taken with.

    ## Why it matters
    A mean over nothing is 0/0. The loss that is logged, and each average that it enters, is NaN,
    and a scheduler or an early stop that reads it goes wrong. A step on it moves the weights by
    momentum and weight decay alone.

    ## Evidence
    Exact: the number of elements that the mean was taken of, as autograd keeps it.

    ## Known exceptions
    Silent: sums over nothing (they are 0), empty batches that the script passes over before the
    optimizer's step, and losses on a GPU, whose value is not known without waiting.

    ## Example
    `for i in range(n // size + 1): x, y = data[i * size : (i + 1) * size]`, where size divides n:
    the last slice is empty.

    ## What to try
    Leave the empty batch out: mend the bounds of the loop, or skip batches of length 0.

    ## References
    PyTorch documentation, `torch.mean`: the mean of an empty tensor is NaN.
    """

    name = "empty-batch"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "the bounds of the loop are what makes an empty batch"
    needs = ("loss",)
    reads = ("loss", "nothing_counted")
    leads_to = (Effect.NOT_FINITE,)
    limits = {"elements": Limit(0, "elements", "definition: a mean over none is 0/0")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training, event, harmless in over_nothing(run, "empty"):
            step = event.step
            yield self.found(
                f"the loss of step {step} was a mean over nothing: its batch was empty",
                "the loss of that step is NaN, and so is each average that it enters"
                if harmless
                else "the loss is NaN from that step on",
                try_=("mend the bounds of the loop over batches, or skip those of length 0",),
                where=Where(site=Site.read(event.data["line"]) or event.site),
                steps=(step, step),
                evidence=(Evidence("nothing_counted", 0, self.limit("elements"), "elements"),),
                severity="warning" if harmless else "error",
                training=training,
            )
