"""The check `optimizer-before-shard`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import RESHARDED, SHARDED
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That


def _not_sharded(check: Check, run: RunView, training: Training) -> str | None:
    """Says that neither it holds shards, nor fully_shard had replaced what it holds."""
    for kind in (SHARDED, RESHARDED):
        if any(event.training == training.index for event in run.events(kind)):
            return None
    return "it holds no shards, and fully_shard had replaced nothing that it holds"


class OptimizerBeforeShard(Check):
    """The optimizer was built before `fully_shard`, and holds parameters that are no longer used.

    ## What it does
    Notes which optimizers hold the parameters of a module when `fully_shard` replaces them, and
    whether any parameter of theirs has a gradient at their first step.

    ## Why it matters
    `fully_shard` puts new parameters into the model: shards. The optimizer goes on stepping those
    of before, which get no gradient: nothing is trained, and nothing fails.

    ## Evidence
    Exact: parameters of the optimizer were replaced after it was built, and none that it holds had
    a gradient at its first step.

    ## Known exceptions
    An optimizer whose groups were given the new parameters before its first step: those have
    gradients.

    ## Example
    `optimizer = AdamW(model.parameters())` and then `fully_shard(model)`.

    ## What to try
    Shard first, then build the optimizer from `model.parameters()`.

    ## References
    PyTorch tutorial, Getting Started with Fully Sharded Data Parallel (FSDP2): "The optimizer is
    constructed after applying fully_shard".
    """

    name = "optimizer-before-shard"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "two lines of the script have to change places"
    needs = ("conditions",)
    reads = ("conditions", "resharded", "sharded")
    requires = (That(_not_sharded),)
    limits = {"parameters": Limit(1, "parameters", "definition: one that is replaced")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            for event in run.events(RESHARDED):
                count = event.data["count"]
                if event.training != training.index or count < self.limit("parameters"):
                    continue
                by = Site.read(event.data["by"])
                yield self.found(
                    f"fully_shard{f' ({by})' if by else ''} replaced {count} of the "
                    f"{event.data['of']} parameters of {training.optimizer} after it was built, "
                    "and none that it holds had a gradient at its first step",
                    "the optimizer steps on parameters that the model no longer has",
                    try_=("build the optimizer after the last fully_shard",),
                    where=Where(site=training.site),
                    steps=(0, training.steps - 1),
                    evidence=(Evidence("resharded", count, 0, "parameters"),),
                    training=training,
                )
