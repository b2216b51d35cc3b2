"""The check `initial-weights-differ`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView, Site
from ...signals.ranks import named, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import gradients_alike, not_compared


class InitialWeightsDiffer(Check):
    """Ranks average their gradients by hand, and began with different weights.

    ## What it does
    Compares numbers for the bits of the weights at the first step, and of the gradients at all
    sampled steps, which each rank writes by itself.

    ## Why it matters
    Equal steps keep the distance between the ranks for ever: each trains another model on the
    average of gradients that belong to none.

    ## Evidence
    Exact: the weights differed at the first step, and nine in ten of the gradients that the ranks
    used were the same, bit for bit.

    ## Known exceptions
    DistributedDataParallel, which sends the weights of rank 0 to all when it is built; ranks that
    do not share gradients.

    ## Example
    `torch.manual_seed(rank)`, then the model, then `dist.all_reduce(p.grad)` in each step.

    ## What to try
    Send the weights once before training: `dist.broadcast(p.data, src=0)` for each parameter, or
    use DistributedDataParallel.

    ## References
    PyTorch tutorial, Writing Distributed Applications with PyTorch.
    """

    name = "initial-weights-differ"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "the weights have to be sent before the first step, which no trick waits for"
    needs = ("grad_fingerprint", "weight_fingerprint")
    reads = ("grad_fingerprint", "weight_fingerprint", "weight_norm", "grad_norm", "replicated")
    requires = (That(not_compared),)
    limits = {"steps": Limit(3, "steps", "ours: gradients that agree so often were made to")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            weights = ranks.common("weight_fingerprint")
            if len(weights) < self.limit("steps") or len(set(weights[0][1])) == 1:
                continue
            if wrapped(run, ranks) is not None or not gradients_alike(ranks):
                continue
            step, values = weights[0]
            apart = ranks.parameters_apart(step)
            yield self.found(
                f"at the first step {named(ranks.differing(values))} had other weights than rank "
                f"{ranks.first.rank}"
                + (f" ({len(apart)} parameters differ in their norms)" if apart else "")
                + ", and from then on all ranks used the same gradients",
                "equal steps keep the ranks apart for ever: each trains another model",
                try_=("dist.broadcast(p.data, src=0) for each parameter, before the first step",),
                where=Where(site=_built(run) or ranks.first.step_site),
                steps=(step, weights[-1][0]),
                evidence=(Evidence("weight_fingerprint", len(set(values)), 1, "different ones"),),
                training=ranks.first,
                processes=ranks.processes,
            )


def _built(run: RunView) -> Site | None:
    """Returns the line that built the first model."""
    return next((module.site for module in run.modules), None)
