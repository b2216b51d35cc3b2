"""The check `padding-mask-ignored`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import PADDING_READ
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

POOLING = ("mean", "sum")
"""A mean over all places, behind layers that are masked, is often written so and harms less."""


class PaddingMaskIgnored(Check):
    """What stands in padded places changes the answers for real ones.

    ## What it does
    Where sequences of unequal length are filled up, assay computes the step again with the vectors
    of other words in the padded places. The answers for real places, and for whole sequences, must
    stay what they were. If they don't, the step is followed to the first operation that takes
    padding in.

    ## Why it matters
    The answer for a sequence depends on how long the longest one of its batch is. Attention that is
    not masked gives most of its weight to padding where sequences are short.

    ## Evidence
    Probe. `padding_change`: the change of the median answer over the spread of answers, the
    largest measured. Dropout and batch norm are as in evaluation. With a mask it is 0.

    A mean or a sum over all places, behind layers that are masked, is a note.

    ## Known exceptions
    Silent: models without attention that are told neither by a mask nor by lengths what is padding
    (there it is a part of the sequence), convolutions that take a neighbour in, sequences that are
    all of one length, frames of zeros without a mask, answers at padded places.

    ## Example
    `self.encoder(words)` where `self.encoder(words, src_key_padding_mask=ids == PAD)` was meant; a
    mean over all positions, `hidden.mean(1)`, behind an encoder that is masked.

    ## What to try
    `src_key_padding_mask`, `key_padding_mask` or `attn_mask` (true is *left out* in the first two,
    and *taken part* in that of `scaled_dot_product_attention`); a mean over real places only;
    `pack_padded_sequence` for recurrent layers.

    ## References
    PyTorch documentation, `torch.nn.MultiheadAttention` (`key_padding_mask`).
    """

    name = "padding-mask-ignored"
    family = "model"
    severity = "warning"
    tier = "probe"
    by_hand = "which places are padding is known where the batch is made"
    needs = ("padding_change",)
    reads = ("padding_change", "padding_read")
    limits = {
        "change": Limit(0.05, "of the spread of answers", "ours: with a mask 0, without 0.1 on"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training with a measurement above the limit."""
        for training in run.trainings:
            series = training.series("padding_change").finite()
            change = max(series.values, default=0.0)
            if change <= self.limit("change"):
                continue
            found = next(iter(run.events(PADDING_READ)), None)
            told = found is not None and found.data["told"]
            at = f", from `{found.data['operation']}` on" if found else ""
            if found and found.data["operation"] == "select":
                at = ": they are read at one place of each row, where shorter ones are padded"
            yield self.found(
                f"answers for real places depend on what stands in padded ones{at}"
                + (", though the model is told which they are" if told else ""),
                "the answer for a sequence depends on how much padding its batch happens to need",
                try_=(
                    "give attention a mask of padded places (mind which sign means left out)",
                    "take means and last states over real places only",
                ),
                where=Where(site=Site.read(found.data["line"]) if found else None),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(
                    Evidence("padding_change", change, self.limit("change"), "of the spread"),
                ),
                severity="note" if found and found.data["operation"] in POOLING else None,
                training=training,
                began=(0, 0),
            )
