"""The check `attention-unscaled`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import SCORES_UNSCALED
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class AttentionUnscaled(Check):
    """The scores of an attention are not divided by the root of their width, and spread widely.

    ## What it does
    Follows the recorded operations from each softmax back to the product of queries and keys, and
    from there to the layers that made both. Where nothing on the way scales them, the spread of the
    scores is measured.

    ## Why it matters
    A score is a sum over the width of a head, so its spread grows with the root of it. The softmax
    of widely spread scores is near 1 for one key and near 0 for all others, where it has no slope.

    ## Evidence
    Probe. `unscaled_scores`: the spread of the median query's scores, at the first measurement.
    Divided by the root of the width, scores begin with a spread of 1 and less.

    ## Known exceptions
    Silent: scores of little spread (weights that begin small, as in T5), queries and keys that are
    normalised or that no layer makes (the states of a recurrent net), a temperature that is learnt,
    the attention of torch.

    ## Example
    `weights = (q @ k.transpose(-2, -1)).softmax(-1)`.

    ## What to try
    `q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))`, or `scaled_dot_product_attention`.

    ## References
    Vaswani et al., Attention Is All You Need, 2017, section 3.2.1 and footnote 4.
    """

    name = "attention-unscaled"
    family = "model"
    severity = "warning"
    tier = "probe"
    by_hand = "the product is written in the model's own code"
    needs = ("unscaled_scores",)
    reads = ("unscaled_scores", "scores_unscaled")
    limits = {
        "spread": Limit(
            2.0, "", "a softmax over 16 scores of that spread gives one of them half on average"
        ),
        "width": Limit(8, "numbers", "ours: the root of less is below 3"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training whose first measurement is above the limit."""
        found = next(iter(run.events(SCORES_UNSCALED)), None)
        for training in run.trainings:
            series = training.series("unscaled_scores").finite()
            if found is None or not len(series) or series.first < self.limit("spread"):
                continue
            width = found.data["width"]
            if width < self.limit("width"):
                continue
            yield self.found(
                f"the scores of an attention had a spread of {series.first:.2g}: products over "
                f"{width} numbers, and nothing divides them",
                "the softmax is close to 1 for one key and 0 for all others, where it has no slope",
                try_=(f"divide them by {width**0.5:.3g}, the root of {width}",),
                where=Where(site=Site.read(found.data["line"])),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(Evidence("unscaled_scores", series.first, self.limit("spread"), ""),),
                training=training,
                began=(0, 0),
            )
