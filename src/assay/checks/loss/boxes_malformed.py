"""The check `boxes-malformed`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.events import OVERLAP
from ...journal.view import RunView, Site
from ...signals.domains import always, calls, first_training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class BoxesMalformed(Check):
    """An overlap is computed of boxes whose second corner lies before the first.

    ## What it does
    On sampled iterations assay looks in torch's own graph for overlaps on the way to the loss: the
    lesser of two right (lower) ends, less the greater of two left (upper) ones, as every IoU
    computes it, also those of `torchvision.ops`. Of the boxes on the side that needs no gradient,
    the labels, it counts those whose right end lies left of the left one. Such at every sampled
    call are reported.

    ## Why it matters
    Corners that are reversed mean that the numbers are no corners: mostly `x, y, width, height`, or
    a centre and a size, taken for `x1, y1, x2, y2`. The overlap is then 0, or that of other boxes,
    and the model learns boxes that nobody has drawn.

    ## Evidence
    Exact. `boxes_reversed`, the share of the labels' boxes with a corner before the other.

    ## Known exceptions
    Silent: predictions with reversed corners, as an untrained network has them; empty boxes (0, 0,
    0, 0), as padding has them; batches now and then, as the boxes of a teacher that still learns.

    ## Example
    `1 - iou(model(image), target)` with targets `x, y, w, h` as COCO has them.

    ## What to try
    Convert the boxes once, where they are loaded: `x2 = x + w`, `y2 = y + h` (or
    `torchvision.ops.box_convert`).

    ## References
    Lin et al.: Microsoft COCO, ECCV 2014 (boxes by corner and size); torchvision documentation,
    `torchvision.ops.box_iou`: "boxes are expected to be in (x1, y1, x2, y2) format with 0 <= x1 <
    x2 and 0 <= y1 < y2".
    """

    name = "boxes-malformed"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "which corner the numbers mean is known where the boxes are loaded"
    needs = ("boxes_reversed",)
    reads = ("boxes_reversed", "overlap")
    limits = {"share": Limit(0.0, "of boxes", "definition: x1 <= x2 and y1 <= y2")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for event in run.events(OVERLAP):
            place = event.data["place"]
            found = always(run, "boxes_reversed", place, lambda share: share > self.limit("share"))
            if not found:
                continue
            share = fmean(value for _, value in found)
            yield self.found(
                f"at {calls(len(found))} of an overlap, {share:.0%} of the boxes that need no "
                "gradient had their second corner left of or above the first",
                "they are no corners, but a size or a centre taken for one: the overlap is not "
                "that of the boxes that were meant",
                try_=("convert the boxes to x1, y1, x2, y2 where they are loaded",),
                where=Where(site=Site(*event.data["line"])),
                steps=(found[0][0], found[-1][0]),
                evidence=(Evidence("boxes_reversed", share, self.limit("share"), "of boxes"),),
                training=first_training(run, place, ("boxes_reversed",)),
                process=event.process,
            )
