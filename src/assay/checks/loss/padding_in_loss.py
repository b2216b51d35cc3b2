"""The check `padding-in-loss`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.events import LOSS_CALL, LossCall
from ...journal.view import Event, RunView, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class PaddingInLoss(Check):
    """The loss counts the padding at the ends of sequences like any other target.

    ## What it does
    Of each sampled batch of sequences assay looks at the ends of the rows. Where input and target
    each repeat one value to the end, a value that stands nowhere else, and rows end so at unequal
    lengths, that is padding. If the same value is counted by the loss in batch after batch, and is
    a tenth of all targets or more, it is reported.

    ## Why it matters
    Padding is the easiest target there is. The loss and the accuracy look better than they are,
    the gradient is shared with positions that teach nothing, and a model may learn little else.

    ## Evidence
    Heuristic. The share of the counted targets that is padding, by the rule above.

    ## Known exceptions
    Silent: `ignore_index` set to the padding; class weights; `reduction="none"`, after which a mask
    can follow; targets that are selected before the loss; a first end-of-sequence token, which is
    to be learnt even where it also serves as padding. A last value that has a meaning and is
    repeated to the end in input and target alike (silence at the end of a recording that is to be
    labelled as such) is reported.

    ## Example
    `F.cross_entropy(logits.flatten(0, 1), targets.flatten())`, where `targets` is filled up with 0.

    ## What to try
    Give the loss `ignore_index`, or fill targets up with -100, or multiply by a mask and divide by
    its sum.

    ## References
    PyTorch documentation, `torch.nn.CrossEntropyLoss` (`ignore_index`).
    """

    name = "padding-in-loss"
    family = "loss"
    severity = "warning"
    tier = "heuristic"
    status = "preview"
    by_hand = "a preview: its findings ask for nothing yet"
    needs = ("loss_call",)
    reads = ("padded_target_share", "padded_target_value", "loss_call")
    limits = {
        "share": Limit(0.1, "of the counted targets", "ours: less does no harm to speak of"),
        "samples": Limit(8, "samples", "ours: a row may end in twice the same token by chance"),
        "batches": Limit(0.9, "of the batches", "ours: rows of one length need no padding"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            for place in training.places("padded_target_share"):
                call = next((c for c in run.events(LOSS_CALL) if c.data["place"] == place), None)
                if call is not None:
                    yield from self._of(training, place, call)

    def _of(self, training: Training, place: str, call: Event[LossCall]) -> Iterator[Finding]:
        shares = training.series("padded_target_share", place).finite()
        if len(shares) < self.limit("samples"):
            return
        hits = [step for step, share in shares if share > 0]
        values = {training.series("padded_target_value", place).at(step) for step in hits}
        mean = fmean(shares.values)
        few = len(hits) < self.limit("batches") * len(shares)
        if few or len(values) != 1 or mean < self.limit("share"):
            return
        yield self.found(
            f"{mean:.0%} of the targets that {place} counted were padding: the value "
            f"{values.pop():g} at the ends of rows, where the input is padding too",
            "the loss falls by learning to predict padding, and looks better than it is",
            try_=("leave the padding out of the loss: ignore_index, or a mask",),
            where=Where(site=call.site),
            steps=(shares.steps[0], shares.steps[-1]),
            evidence=(
                Evidence("padded_target_share", mean, self.limit("share"), "of the targets", place),
            ),
            training=training,
        )
