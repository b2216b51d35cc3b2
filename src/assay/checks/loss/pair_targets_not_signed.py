"""The check `pair-targets-not-signed`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.view import RunView
from ...signals.domains import always, calls, first_training, given, samples
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

WHAT_IS_LOST = {
    "cosine_embedding_loss": "their loss is 0: pairs that ought to be pushed apart never are",
    "hinge_embedding_loss": "their loss is not that of either kind of pair",
    "margin_ranking_loss": "their loss is the margin, whatever the two scores are",
    "soft_margin_loss": "their loss is log 2, whatever the score is",
}


class PairTargetsNotSigned(Check):
    """The targets of a loss of pairs are 0 and 1, where it wants -1 and 1.

    ## What it does
    At each sampled call of `cosine_embedding_loss`, `hinge_embedding_loss`, `margin_ranking_loss`
    or `soft_margin_loss` assay counts the targets that are -1, and those that are neither 1 nor -1.
    If there are such, and in the whole run none of -1, that is reported.

    ## Why it matters
    These losses are defined for 1 and -1, and torch does not check. A target of 0 has no gradient,
    so one of the two kinds of pairs is not learnt at all: all pairs end up alike.

    ## Evidence
    Exact. `pair_target_other`, the share of targets that are neither, and `pair_target_negative`,
    which is 0 at every sampled call.

    ## Known exceptions
    Silent: a few zeros among 1 and -1, as `torch.sign` of two equal ranks gives, or as a mask;
    targets that are all 1, as in ranking pairs that are ordered already.

    ## Example
    `F.cosine_embedding_loss(a, b, same.float())` with `same` of 0 and 1.

    ## What to try
    `2 * same - 1` as the target.

    ## References
    PyTorch documentation, `torch.nn.CosineEmbeddingLoss`, `HingeEmbeddingLoss`,
    `MarginRankingLoss`, `SoftMarginLoss`.
    """

    name = "pair-targets-not-signed"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "what the targets 0 and 1 were to mean is known where they are made"
    needs = ("pair_target_other",)
    reads = ("loss_given", "pair_target_other", "pair_target_negative")
    limits = {
        "negative": Limit(0.0, "of targets", "definition: with none of -1 it is no choice of two"),
        "other": Limit(0.0, "of targets", "definition: the formula knows 1 and -1"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for place, events in given(run, *WHAT_IS_LOST).items():
            found = always(
                run, "pair_target_negative", place, lambda share: share <= self.limit("negative")
            )
            others = samples(run, "pair_target_other", place)
            share = fmean(value for _, value in others) if others else 0.0
            if not found or not share > self.limit("other"):
                continue
            fn = events[0].data["fn"]
            yield self.found(
                f"{share:.0%} of the targets of {fn} were neither 1 nor -1, and at "
                f"{calls(len(found))} none was -1",
                f"{fn} knows only 1 and -1; of other targets {WHAT_IS_LOST[fn]}",
                try_=("make the targets 1 and -1, such as 2 * same - 1 of 0 and 1",),
                where=Where(site=events[0].site),
                steps=(found[0][0], found[-1][0]),
                evidence=(Evidence("pair_target_other", share, self.limit("other"), "of targets"),),
                training=first_training(run, place, ("pair_target_other",)),
                process=events[0].process,
            )
