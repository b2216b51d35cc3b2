"""The check `scaler-collapsing`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import STEP_SKIPPED
from ...journal.view import RunView
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where


class ScalerCollapsing(Check):
    """A GradScaler halves its scale again and again: gradients are not finite at any scale.

    ## What it does
    Reads the scale of the GradScaler, and the steps that it left out since a gradient was NaN or
    infinite. Reported if the scale fell below 1 and steps were left out on the way.

    ## Why it matters
    A scale makes gradients larger; one below 1 means that they are not finite even without it. Each
    such step is left out in silence, and where all are, nothing is learnt.

    ## Evidence
    Exact. `loss_scale`: where it ended.

    ## Known exceptions
    Silent: the halvings of a beginning, and some later, which are how the scale is found; a scale
    that was set below 1; one that has recovered by the end.

    ## Example
    The gradient of `torch.sqrt` at 0, or of a norm of a zero vector: infinite, while the loss is
    finite.

    ## What to try
    Look for the first gradient that is not finite with `torch.autograd.set_detect_anomaly(True)`;
    add a small number inside a root, a norm or a quotient.

    ## References
    Micikevicius et al.: Mixed Precision Training, 2018, section 3.2; PyTorch documentation,
    `torch.amp.GradScaler`.
    """

    name = "scaler-collapsing"
    family = "precision"
    severity = "warning"
    tier = "exact"
    by_hand = "it is a symptom: what makes gradients that are not finite has to be found"
    needs = ("learning_rate",)
    reads = ("learning_rate", "loss_scale", "step_skipped")
    is_effect = (Effect.NOT_FINITE,)
    limits = {
        "scale": Limit(1.0, "", "definition: a smaller one shrinks the gradients"),
        "halvings": Limit(8, "times", "ours: a scale that was set near 1 is not a collapse"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of a run without any step, taken or left out."""
        known = any(True for _ in run.events(STEP_SKIPPED))
        return None if known else super().why_skipped(run)

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            scales = training.series("loss_scale").finite()
            skipped = [
                event for event in run.events(STEP_SKIPPED) if event.training == training.index
            ]
            if not skipped or not len(scales) or not scales.last < self.limit("scale"):
                continue
            if max(scales.values) < scales.last * 2 ** self.limit("halvings"):
                continue
            yield self.found(
                f"the loss scale fell from {max(scales.values):,.6g} to {scales.last:.2g}, and "
                f"{len(skipped)} steps were left out, with {training.steps} taken",
                "gradients that are not finite without any scale are no matter of precision",
                try_=(
                    "torch.autograd.set_detect_anomaly(True) names the operation",
                    "a small number inside a square root, a norm or a quotient",
                ),
                where=Where(site=skipped[0].site or training.step_site),
                steps=(skipped[0].step, skipped[-1].step),
                evidence=(Evidence("loss_scale", scales.last, self.limit("scale")),),
                training=training,
            )
