"""The check `sampler-epoch-not-set`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView, Site, Training
from ...signals.orders import whole_epochs
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That, too_few

SAMPLER = ("DistributedSampler",)


def _too_few_epochs(check: Check, run: RunView, training: Training) -> str | None:
    """Says that no DataLoader with a DistributedSampler went through its data often enough."""
    rows = whole_epochs(run, SAMPLER, check.limit("draws"))
    most = max((len(row) for _, row in rows), default=0)
    return too_few(most, check.limit("epochs"), "whole epochs by a DistributedSampler")


class SamplerEpochNotSet(Check):
    """A DistributedSampler is never told the epoch: it deals out the same shares in one order.

    ## What it does
    From the indices of the first batches of each epoch assay makes a number that is equal for equal
    orders, on each rank.

    ## Why it matters
    The sampler shuffles by its seed and its epoch number. If that stays 0, each rank sees the same
    part of the data in the same order for ever, and never a sample of another rank's part: it knows
    the rest by averaged gradients alone.

    ## Evidence
    Exact: at least two epochs in a row drew in the same order, and none in another.

    ## Known exceptions
    `shuffle=False`, a sampler class of the script's own, a loader without gradients, very small
    data sets.

    ## Example
    `for epoch in range(90): for x, y in loader:` and nothing between the two.

    ## What to try
    `sampler.set_epoch(epoch)` at the start of each epoch, before the loader is iterated.

    ## References
    PyTorch documentation, `torch.utils.data.distributed.DistributedSampler`.
    """

    name = "sampler-epoch-not-set"
    family = "distributed"
    severity = "warning"
    tier = "exact"
    by_hand = "the sampler has to be told the number of the script's own loop"
    needs = ("epoch",)
    reads = ("epoch", "loader")
    requires = (That(_too_few_epochs),)
    limits = {
        "epochs": Limit(2, "epochs", "definition: a second one that is like the first"),
        "draws": Limit(8, "samples", "arithmetic: by chance once in 8! orders"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        if not any(True for _ in self.judgeable(run)):
            return
        for loader, row in whole_epochs(run, SAMPLER, self.limit("draws")):
            orders = {event.data["order"] for event in row}
            if len(row) < self.limit("epochs") or len(orders) > 1:
                continue
            yield self.found(
                f"{len(row)} epochs drew the same {row[0].data['draws']:,} samples in the same "
                "order: a DistributedSampler shuffles by its epoch number, which was never set",
                "each rank sees one part of the data for ever, in one order",
                try_=("sampler.set_epoch(epoch) at the start of each epoch",),
                where=Where(site=Site.read(loader.data["built"]) or loader.site),
                steps=(row[0].step, row[-1].step),
                evidence=(Evidence("epoch", len(row), 1, "epochs of one order"),),
                process=loader.process,
            )
