"""The check `ranks-draw-same-random`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import SEED
from ...journal.view import RunView
from ...signals.ranks import Ranks, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import MOSTLY, gradients_alike, not_compared


class RanksDrawSameRandom(Check):
    """All ranks drop the same units, or add the same noise: they draw the same random numbers.

    ## What it does
    Each rank writes, on sampled steps, a number for the state of torch's random generators before
    the model is called and after its backward pass. Equal states before, and others that are equal
    again after, mean that all ranks drew the same numbers.

    ## Why it matters
    The average over ranks is to be one over different masks and noises too. With equal ones, the
    noise of dropout does not average out: with eight ranks it is eight times the variance that it
    could be.

    ## Evidence
    Exact: in nine of ten steps all ranks drew the same numbers between the two. A note, since many
    right scripts seed all ranks alike.

    ## Known exceptions
    Models that draw nothing; generators of numpy, of Python, or of the script's own; processes that
    train apart.

    ## Example
    `torch.manual_seed(0)` on each rank, and a model with dropout.

    ## What to try
    `torch.manual_seed(seed + rank)` after the model is built (DistributedDataParallel gives all
    ranks the weights of rank 0).

    ## References
    PyTorch documentation, "Reproducibility"; Shoeybi et al.: Megatron-LM, 2019, appendix B.2.
    """

    name = "ranks-draw-same-random"
    family = "distributed"
    severity = "note"
    tier = "exact"
    by_hand = "which numbers ranks are to share is the script's to say"
    needs = ("random_state", "random_state_after")
    reads = (
        "random_state",
        "random_state_after",
        "grad_fingerprint",
        "grad_norm",
        "replicated",
        "seed",
    )
    requires = (That(not_compared),)
    limits = {"steps": Limit(4, "steps", "ours: one or two could be so by chance")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            if wrapped(run, ranks) is None and not gradients_alike(ranks):
                continue
            steps, compared = self._same(ranks)
            if len(steps) < max(self.limit("steps"), MOSTLY * compared):
                continue
            seeds = [e for e in run.events(SEED) if e.process == ranks.first.process]
            site = next((e.site for e in reversed(seeds) if e.data["of"] == "torch"), None)
            yield self.found(
                f"all {len(ranks.trainings)} ranks drew the same random numbers in {len(steps)} of "
                f"the {compared} steps that were compared",
                "masks of dropout, and noise, are the same on all ranks, and do not average out",
                try_=("seed each rank by itself, after the model is built: seed + rank",),
                where=Where(site=site),
                steps=(steps[0], steps[-1]),
                evidence=(Evidence("random_state", len(steps), self.limit("steps"), "steps"),),
                training=ranks.first,
                processes=ranks.processes,
            )

    def _same(self, ranks: Ranks) -> tuple[list[int], int]:
        """Returns the steps in which all ranks drew the same numbers, and of how many."""
        before = dict(ranks.common("random_state"))
        after = dict(ranks.common("random_state_after"))
        steps = sorted(before.keys() & after.keys())
        same = [
            step
            for step in steps
            if len(set(before[step])) == len(set(after[step])) == 1 and before[step] != after[step]
        ]
        return same, len(steps)
