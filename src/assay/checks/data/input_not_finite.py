"""The check `input-not-finite`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import INPUT
from ...journal.view import RunView, Site
from ...signals.spoiled import spoiled_batches
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class InputNotFinite(Check):
    """A batch holds NaN or infinity, in the inputs or in the targets.

    ## What it does
    In each sampled batch assay counts the elements of the model's float inputs that are NaN or
    infinite, and looks whether the targets of the loss are finite. When a loss turns NaN or
    infinite between samples, the batch behind it is looked at too.

    ## Why it matters
    One NaN in one sample makes the batch's loss NaN, then every gradient, then every weight: the
    model is lost.

    ## Evidence
    Exact. The share of non-finite elements at a step whose loss, or whose gradient, is not finite
    either. Where loss and gradients stay finite the model deals with the gaps itself; that is a
    note, not an error.

    ## Known exceptions
    Masks of -inf are silent. Which NaN is a gap that the model fills on purpose can't be known; it
    shows in a finite loss.

    ## Example
    A feature is the logarithm of a count that is sometimes 0, or a column of a table has missing
    entries.

    ## What to try
    Find the samples with `torch.isfinite(x).all(dim=1)`; drop them or fill them in before training.

    ## References
    IEEE 754: NaN propagates through every sum and product.
    """

    name = "input-not-finite"
    family = "data"
    severity = "error"
    tier = "exact"
    needs = ("input",)
    reads = (
        "input",
        "input_nonfinite_share",
        "input_nan_share",
        "target_mean",
        "nonfinite_origin",
        "loss",
        "loss_call_value",
        "grad_nonfinite_share",
    )
    leads_to = {
        Effect.NOT_FINITE: "one number that is not finite spoils all that it is summed with",
    }
    limits = {"share": Limit(0.0, "of elements", "definition: any such number spoils the batch")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            hits = list(spoiled_batches(run, training, self.limit("share")))
            if not hits:
                continue
            first = min(hits, key=lambda hit: (not hit.harmful, hit.step))
            what = f"{first.share:.2g} of `{first.place}`" if first.share else f"`{first.place}`"
            tail = (
                "and so was the loss or its gradient"
                if first.harmful
                else "while loss and gradients stayed finite"
            )
            yield self.found(
                f"{what} was NaN or infinite at step {first.step}, {tail}",
                "NaN spreads through every sum: to the loss, all gradients, and all weights"
                if first.harmful
                else "if the gaps are not meant, the model trains on whatever they are turned into",
                try_=(
                    "look for the samples with torch.isfinite, then drop them or fill them in",
                ),
                where=Where(site=_site(run)),
                steps=(first.step, max(hit.step for hit in hits)),
                evidence=(
                    Evidence("input_nan_share", first.share, self.limit("share"), "of elements",
                             first.place),
                ),
                tricks=(Remedy("skip-non-finite"),) if first.harmful else (),
                severity="error" if first.harmful else "note",
                process=training.process,
            )  # fmt: skip


def _site(run: RunView) -> Site | None:
    return next((event.site for event in run.events(INPUT)), None)
