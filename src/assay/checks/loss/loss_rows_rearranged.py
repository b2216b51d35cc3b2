"""The check `loss-rows-rearranged`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import ROWS_MOVED
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class LossRowsRearranged(Check):
    """The loss compares answers with the targets of other places, since a `view` rearranged them.

    ## What it does
    In one of a training's first steps assay puts a number in the place of each that the last layer
    made, and follows the views, transpositions and copies of it to the loss. Each row of classes
    that `cross_entropy` or `nll_loss` is given must be of one place (a pixel, a word), and of the
    place that its target is of.

    ## Why it matters
    `view` counts numbers in the order of memory and swaps no dimensions. Rows that hold a bit of
    several pixels, or lie beside the target of another, still have the right shape: nothing fails,
    and what is learnt is the average of all places.

    ## Evidence
    Exact. `rows_rearranged` is the share of rows that hold classes of several places, or whose
    place lies elsewhere than that of most, seen from their targets.

    ## Known exceptions
    Silent: rows that choose among all places of a sample (the ends of an answer, a move on a
    board), several heads in one dimension, targets that are shifted by the same distance in all
    rows, rows that a mask has picked, and targets whose own dimensions were merged before the model
    was called, or can't be told from each other's by their sizes.

    ## Example
    `F.cross_entropy(logits.view(-1, classes), mask.view(-1))` for logits of shape
    [samples, classes, height, width].

    ## What to try
    Swap dimensions with `permute` before `reshape`: `logits.permute(0, 2, 3, 1).reshape(-1,
    classes)`; or give `cross_entropy` the logits as they are, with classes second.

    ## References
    PyTorch documentation, `torch.nn.CrossEntropyLoss` (shape [N, C, d1, ...]), `Tensor.view`.
    """

    name = "loss-rows-rearranged"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "which dimension is which is the model's own to say"
    needs = ("rows_rearranged",)
    reads = ("rows_rearranged", "rows_moved")
    limits = {"share": Limit(0.0, "of rows", "definition: each row belongs to its target")}

    def review(self, run: RunView) -> Iterator[Finding]:
        found = next(iter(run.events(ROWS_MOVED)), None)
        for training in run.trainings:
            series = training.series("rows_rearranged").finite()
            if found is None or not max(series.values, default=0.0) > self.limit("share"):
                continue
            share = max(series.values)
            mixed = found.data["how"] == "mixed"
            how = (
                "hold classes of several places: a `view` took them in the order of memory"
                if mixed
                else "stand beside the target of another place: dimensions are in another order"
            )
            yield self.found(
                f"{share:.0%} of the rows that the loss is given {how}",
                "shapes fit, so nothing fails, but answers are compared with other places' targets",
                try_=(
                    "permute(...) so that classes come last and places in the target's order, "
                    "then reshape; or give cross_entropy the logits with classes second",
                ),
                where=Where(site=Site.read(found.data["line"]) or found.site),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(Evidence("rows_rearranged", share, self.limit("share"), "of rows"),),
                training=training,
                began=(0, 0),
            )
