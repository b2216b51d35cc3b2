"""The check `padding-dominates`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.events import INPUT
from ...journal.view import RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import Samples


class PaddingDominates(Check):
    """More than half of what a sequence model is given is padding.

    ## What it does
    In each sampled batch of sequences of unequal length assay counts the positions that one token,
    or vectors of zeros, fill up to the end (or from the beginning) of each row.

    ## Why it matters
    Most of the time goes into positions that hold nothing. Where a mean, a loss or batch
    normalisation counts them, they also decide what is learnt.

    ## Evidence
    Exact, a note: the share of all positions, over all sampled batches. What it does to training
    depends on masks.

    ## Known exceptions
    Sequences of one length are silent, as are rows of fewer than four positions. A token that fills
    the ends of rows on purpose looks like padding.

    ## Example
    All texts are padded to the longest of the data set, and most are short.

    ## What to try
    Pad to the longest of each batch (in `collate_fn`), and put sequences of like length together.

    ## References
    Amazon SageMaker Debugger, rule NLPSequenceRatio (more than half of the tokens are padding);
    Khomenko et al.: Accelerating Recurrent Neural Network Training using Sequence Bucketing, 2016.
    """

    name = "padding-dominates"
    family = "data"
    severity = "note"
    tier = "exact"
    by_hand = "it costs time and changes nothing that is learnt"
    needs = ("input_padded_share",)
    reads = ("input_padded_share", "input")
    requires = (Samples(("input_padded_share",)),)
    limits = {
        "samples": Limit(8, "batches", "ours: one batch may hold one long sequence"),
        "share": Limit(0.5, "of the positions", "SageMaker Debugger, NLPSequenceRatio"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            for place in training.places("input_padded_share"):
                shares = training.series("input_padded_share", place).finite()
                if len(shares) < self.limit("samples"):
                    continue
                share = fmean(shares.values)
                if not share > self.limit("share"):
                    continue
                sites = (e.site for e in run.events(INPUT) if e.data["place"] == place)
                yield self.found(
                    f"{share:.0%} of the positions of `{place}` were padding, in {len(shares)} "
                    "sampled batches",
                    "most of the time goes into positions that hold nothing",
                    try_=("pad each batch to its own longest, of sequences of like length",),
                    where=Where(site=next(sites, None)),
                    steps=(shares.steps[0], shares.steps[-1]),
                    evidence=(
                        Evidence("input_padded_share", share, self.limit("share"),
                                 "of the positions", place),
                    ),
                    training=training,
                )  # fmt: skip
