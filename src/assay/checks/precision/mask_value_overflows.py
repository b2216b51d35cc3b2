"""The check `mask-value-overflows`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import HALF_MASK, HALF_RANGE, STEP_SKIPPED, HalfMask
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where


class MaskValueOverflows(Check):
    """A mask of -1e9 is written into float16, where it is infinite.

    ## What it does
    In samples that are recorded in full, looks for finite constants beyond 65,504 that are written
    into float16, and at the softmaxes that come after: the share of their rows that is NaN. On the
    CPU the first losses that are not finite are looked at as well, in whatever step.

    ## Why it matters
    Where a whole row is masked, a finite number leaves a harmless row of equal weights. The softmax
    of nothing but -inf is 0 / 0, and so is what is learnt of it; and -inf times 0, as in a mask
    that is multiplied, is NaN at once.

    ## Evidence
    Exact. `half_lost_share`: the share of the constant that became infinite;
    `softmax_undefined_share`: the share of rows that were NaN. A note where none was.

    ## Known exceptions
    A note: constants that are lost while no row is masked throughout, as in a causal mask. Silent:
    -inf written as such; bfloat16 and float32, which hold -1e9; numbers up to 65,504, or
    `torch.finfo(scores.dtype).min`. Not seen: masks that are built before the model is called.

    ## Example
    `scores + (1 - mask.half()) * -1e9` with a sample that is all padding.

    ## What to try
    `torch.finfo(scores.dtype).min` as the number; or softmax in float32 (`scores.float()`); or
    `scaled_dot_product_attention` with a mask of booleans.

    ## References
    IEEE 754-2008 (binary16); PyTorch documentation, `torch.finfo`.
    """

    name = "mask-value-overflows"
    family = "precision"
    severity = "error"
    tier = "exact"
    by_hand = "the number is written in the model's own code"
    needs = ("loss",)
    reads = (
        "loss",
        "half_mask",
        "half_range",
        "half_lost_share",
        "softmax_undefined_share",
        "step_skipped",
    )
    leads_to = (Effect.NOT_FINITE,)
    limits = {
        "largest": Limit(65504.0, "", "IEEE 754-2008: the largest number of binary16"),
        "undefined": Limit(0.0, "of rows", "definition: a softmax of nothing but -inf is 0 / 0"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            for event in run.events(HALF_MASK):
                series = training.series("half_lost_share", event.data["place"]).finite()
                share = max(series.values, default=0.0)
                if share > 0:
                    yield self._written(run, training, event, share)
                    break  # the first line is the mask, later ones may only pass it on

    def _written(
        self, run: RunView, training: Training, event: Event[HalfMask], share: float
    ) -> Finding:
        rows = sorted(
            (step, value)
            for place in training.places("softmax_undefined_share")
            for step, value in training.series("softmax_undefined_share", place)
            if value > self.limit("undefined")
        ) or [
            (e.step, e.data["share"])
            for e in run.events(HALF_RANGE)
            if e.data["kind"] == "softmax" and e.training == training.index
        ]
        harm = rows and self._harmed(run, training, rows[0][0])
        said = (
            f"and {rows[0][1]:.1%} of the rows of a softmax were NaN at step {rows[0][0]}"
            if rows
            else "though no row of a softmax that was looked at was masked throughout"
        )
        return self.found(
            f"{share:.1%} of what `{event.data['place']}` wrote was finite and beyond "
            f"{self.limit('largest'):,.0f}: infinite in float16, {said}",
            "the softmax of a row that is masked throughout is NaN, and all that is learnt of it",
            try_=("torch.finfo(scores.dtype).min instead of the number, or softmax in float32",),
            where=Where(site=Site.read(event.data["line"])),
            steps=(event.step, rows[0][0] if rows else event.step),
            evidence=(
                Evidence("half_lost_share", share, 0.0, "share"),
                *(Evidence("softmax_undefined_share", v, 0.0, "of rows") for _, v in rows[:1]),
            ),
            severity="error" if harm else "note",
            training=training,
        )

    def _harmed(self, run: RunView, training: Training, step: int) -> bool:
        """Whether a loss was not finite, or a step was skipped, from this step on."""
        losses = training.series("loss")
        skipped = any(e.training == training.index for e in run.events(STEP_SKIPPED))
        return skipped or any(s >= step and not math.isfinite(v) for s, v in losses)
