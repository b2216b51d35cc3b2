"""The check `fp16-underflow`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.events import BACKWARD, SCALER
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where


class Fp16Underflow(Check):
    """Gradients are computed in float16 and are so small that many of them are rounded to 0.

    ## What it does
    Where float16 is in use, takes the gradient of some batches twice: of the loss as the script
    goes backward from it, and of the same loss times a power of 2 (up to 4,096). Reports the share
    of elements that are 0 only in the first, over the samples in which there was still something to
    learn.

    ## Why it matters
    float16 has no number between 0 and 6e-8. A weight whose gradient is rounded to 0 is not trained
    at that step, and nothing says so.

    ## Evidence
    Probe. `grad_underflow_share`, the median over the samples, and the parameters that lose most.

    ## Known exceptions
    Silent: zeros that stay zeros, of units that are off or rows that no sample has; bfloat16; a
    loss that is nearly 0 already; a GradScaler that has found its scale. Not measured: several
    optimizers, graphs with functions or hooks of the user's own, checkpointing, compiled models.

    ## Example
    `torch.autocast("cuda", dtype=torch.float16)` and a plain `loss.backward()`, for a loss that is
    a mean over many pixels.

    ## What to try
    `torch.amp.GradScaler()`, or bfloat16. With a scaler: leave `init_scale` as it is, and let it
    grow.

    ## References
    Micikevicius et al.: Mixed Precision Training, 2018, section 3.2: 5 % of the weights' gradients
    underflow in a speech model that then loses accuracy.
    """

    name = "fp16-underflow"
    family = "precision"
    severity = "error"
    tier = "probe"
    needs = ("grad_underflow_share",)
    reads = ("grad_underflow_share", "loss", "backward", "scaler")
    limits = {
        "some": Limit(0.1, "of elements", "right scripts in float16: at most 0.01"),
        "most": Limit(0.5, "of elements", "definition: most of the gradient is lost"),
        "left": Limit(0.05, "of the first loss", "ours: below, little is left to learn"),
        "samples": Limit(2, "samples", "ours: one batch is none"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            samples = self._samples(training)
            if len(samples) < self.limit("samples"):
                continue
            share = median(value for _, value in samples)
            if share > self.limit("some"):
                yield self._finding(run, training, samples, share)

    def _samples(self, training: Training) -> list[tuple[int, float]]:
        """Returns steps and shares while there was still something to learn."""
        losses = training.series("loss").finite()
        least = self.limit("left") * abs(losses.first) if len(losses) else 0.0
        known = dict(losses)
        return [
            (step, value)
            for step, value in training.series("grad_underflow_share", "").finite()
            if abs(known.get(step, losses.first)) >= least
        ]

    def _finding(
        self, run: RunView, training: Training, samples: list[tuple[int, float]], share: float
    ) -> Finding:
        scaled = any(event.training in (None, training.index) for event in run.events(SCALER))
        lost = {
            place: median(training.series("grad_underflow_share", place).values)
            for place in training.places("grad_underflow_share")
            if place
        }
        worst = max(lost, key=lambda place: lost[place], default=None)
        of = f", most of all of {worst} ({lost[worst]:.0%})" if worst is not None else ""
        small = "the loss is scaled too little" if scaled else "no GradScaler scales the loss"
        return self.found(
            f"{share:.0%} of the gradient's elements were 0 in float16 and not with a larger loss"
            f"{of}, the median of {len(samples)} samples: {small}",
            "what is smaller than 6e-8 has no number in float16, and its weight is not trained",
            try_=(
                ("let the GradScaler find its scale: init_scale as it is, or larger",)
                if scaled
                else ("scale the loss by a torch.amp.GradScaler, or use bfloat16",)
            ),
            where=Where(site=self._line(run, training), parameter=worst),
            steps=(samples[0][0], samples[-1][0]),
            evidence=(Evidence("grad_underflow_share", share, self.limit("some"), "of elements"),),
            tricks=() if scaled else (Remedy("amp", "fp16"),),
            severity="error" if share > self.limit("most") else "warning",
            training=training,
        )

    def _line(self, run: RunView, training: Training) -> Site | None:
        """Returns the line that goes backward."""
        passes = (e for e in run.events(BACKWARD) if e.training in (None, training.index))
        return next((event.site for event in passes if event.site is not None), training.site)
