"""The check `real-and-fake-mixed-in-batchnorm`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import TURN
from ...journal.missing import recorded
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class RealAndFakeMixedInBatchnorm(Check):
    """A judge with batch norm is given real and generated rows in one batch.

    ## What it does
    Assay looks for what a network has made among the rows that another one is given for its own
    loss. It reports a judge that is given other rows in the same batch, and has a batch norm in
    training mode.

    ## Why it matters
    Batch norm subtracts the mean of both kinds together, so that each row tells of the other kind.
    In the generator's own loss the batch is all generated, and the judge sees other statistics than
    it has learnt with.

    ## Evidence
    Exact: rows of the one batch that are those of the other, number by number (on the CPU).

    ## Known exceptions
    Silent: judges without batch norm, or with it in evaluation mode; batches on an accelerator,
    whose numbers are not compared; generated channels beside given ones, as in pix2pix.

    ## Example
    `D(torch.cat([real, fake.detach()]))` with `nn.BatchNorm2d` in `D`.

    ## What to try
    Two calls, one for each kind; or GroupNorm, InstanceNorm or spectral norm in the judge.

    ## References
    Chintala, Denton, Arjovsky, Mathieu, "How to train a GAN?", 2016, rule 4: separate batches.
    """

    name = "real-and-fake-mixed-in-batchnorm"
    family = "gan"
    severity = "note"
    tier = "exact"
    by_hand = "the batch is put together by the script"
    needs = ("turn",)
    reads = ("turn",)
    limits = {"calls": Limit(1, "calls", "definition: the script puts its batches together")}

    def why_skipped(self, run: RunView) -> str | None:
        """Says that no network was given what another one had made."""
        if not recorded(run, TURN.name):
            return super().why_skipped(run)
        calls = (c for e in run.events(TURN) for p in e.data["passes"] for c in p["calls"])
        if any(call["fed"] for call in calls):
            return None
        return "no network was trained on what another one had made without its graph"

    def review(self, run: RunView) -> Iterator[Finding]:
        told = set()
        for event in run.events(TURN):
            for call in (c for one in event.data["passes"] for c in one["calls"]):
                known = event.process, call["net"]
                if not (call["mixed"] and call["batch_norm"] and call["wants"]) or known in told:
                    continue
                told.add(known)
                yield self.found(
                    f"{call['net']}, which has batch norm, was given rows that {call['fed'][0]} "
                    "made and others in one batch",
                    "each row is shifted by the mean of both kinds, and tells of the other one",
                    try_=("call the judge once for real and once for generated rows",),
                    where=Where(site=Site.read(call["line"])),
                    steps=(event.step, event.step),
                    evidence=(Evidence("turn", 2, self.limit("calls"), "kinds in one batch"),),
                    process=event.process,
                )
