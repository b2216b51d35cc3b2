"""The check `no-sync-missing`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.events import BACKWARD
from ...journal.view import RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ._side_by_side import MOSTLY


class NoSyncMissing(Check):
    """Gradients are gathered over several batches, and averaged over the ranks at each of them.

    ## What it does
    Counts, on sampled steps, the backward passes, and the calls of the DistributedDataParallel
    whose gradients it averages.

    ## Why it matters
    One average, at the last batch, gives the same step. Each one before it sends all gradients
    over the network for nothing, and lets the ranks wait for each other.

    ## Evidence
    Exact: in nine of ten steps looked at, each of several passes was averaged.

    ## Known exceptions
    Steps of one backward pass, such as one for the sum of several losses.

    ## Example
    `loss.backward()` for each of four batches, and an `optimizer.step()` after the fourth.

    ## What to try
    `with ddp.no_sync():` around the forward and backward passes of all batches but the last.

    ## References
    PyTorch documentation, `DistributedDataParallel.no_sync`; Li et al.: PyTorch Distributed, 2020,
    section 3.2.4.
    """

    name = "no-sync-missing"
    family = "distributed"
    severity = "warning"
    tier = "exact"
    by_hand = "which batch is the last one of a step is the script's to say"
    needs = ("reduced_passes", "backward_passes")
    reads = ("reduced_passes", "backward_passes", "backward")
    limits = {"passes": Limit(2, "passes", "definition: of one pass none is in vain")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            reduced = training.series("reduced_passes")
            passes = training.series("backward_passes")
            each = [
                (step, count)
                for step, count in reduced
                if count >= self.limit("passes") and count == passes.at(step)
            ]
            if not each or len(each) < MOSTLY * len(reduced):
                continue
            count = median(count for _, count in each)
            sites = (e.site for e in run.events(BACKWARD) if e.process == training.process)
            yield self.found(
                f"all {count:g} backward passes of a step were averaged over the ranks, "
                f"{count - 1:g} of them before the step needed it",
                "each average sends all gradients, and one at the last pass gives the same step",
                try_=("with ddp.no_sync(): around all passes of a step but the last",),
                where=Where(site=next(sites, training.step_site)),
                steps=(each[0][0], each[-1][0]),
                evidence=(Evidence("reduced_passes", count, 1, "passes"),),
                training=training,
            )
