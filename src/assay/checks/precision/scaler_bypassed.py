"""The check `scaler-bypassed`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import SCALER
from ...journal.view import RunView, Training
from ...signals.scaled import is_same, scaled_steps
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class ScalerBypassed(Check):
    """The loss is scaled by a GradScaler, and the optimizer steps on gradients still scaled.

    ## What it does
    Compares, on sampled steps whose backward passes all went through a scaled loss, the norm of the
    gradients as the backward pass left them with that of the gradients that the optimizer used. If
    they are equal, or equal until they were clipped, nobody divided them by the scale.

    ## Why it matters
    A GradScaler begins with a scale of 65,536. Steps of SGD are then that much too long; Adam does
    not mind the size, but nothing skips a step whose gradients overflowed.

    ## Evidence
    Exact. `loss_scaled_by`: what the loss was multiplied by, and so the gradients of the step.

    ## Known exceptions
    Silent: gradients that were unscaled by `unscale_` or by hand; optimizers that unscale in their
    own step; a scale of 1; a scaler that is disabled. Not judged: scripts that hook into the
    gradients of tensors, since the hook may unscale.

    ## Example
    `scaler.scale(loss).backward()`, and then `optimizer.step()`.

    ## What to try
    `scaler.step(optimizer)` and `scaler.update()` in place of `optimizer.step()`; with bfloat16 no
    scaler is needed at all.

    ## References
    PyTorch documentation, "Automatic Mixed Precision examples"; Micikevicius et al.: Mixed
    Precision Training, 2018, section 3.2.
    """

    name = "scaler-bypassed"
    family = "precision"
    severity = "error"
    tier = "exact"
    needs = ("backward_passes",)
    reads = (
        "backward_passes",
        "scaled_passes",
        "loss_scaled_by",
        "raw_grad_norm",
        "grad_norm",
        "clip_norm",
        "clip_limit",
        "hook_registered",
        "scaler",
    )
    leads_to = (Effect.EXPLODING, Effect.RATE_TOO_HIGH, Effect.NOT_FINITE)
    limits = {
        "steps": Limit(2, "steps", "ours: one step alone says little of a loop"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            looked = list(scaled_steps(run, training))
            past = [(step, scale) for step, scale, raw in looked if _was_used(training, step, raw)]
            lines = [e for e in run.events(SCALER) if e.process == training.process]
            times = max((e.data["past"] for e in lines), default=0)
            if not past or times < self.limit("steps"):
                continue
            first = next(event for event in lines if event.data["past"])
            scale = max(scale for _, scale in past)
            yield self.found(
                f"{times} of the {lines[-1].data['looked_at']} steps looked at used gradients of a "
                f"loss that a GradScaler had multiplied by {scale:,.0f}, and that nobody had "
                "divided again",
                "the gradients are as much too large as the scale, and one that overflowed is used",
                try_=("call scaler.step(optimizer) and scaler.update(), not optimizer.step()",),
                where=Where(site=first.site or training.step_site or training.site),
                steps=(past[0][0], past[-1][0]),
                evidence=(Evidence("loss_scaled_by", scale, 1.0),),
                tricks=(Remedy("use-scaler"),),
                training=training,
            )


def _was_used(training: Training, step: int, raw: float) -> bool:
    """Whether the step used the gradients as backward left them, or those clipped."""
    norm = training.series("clip_norm").at(step)
    given = min(raw, training.series("clip_limit").at(step)) if is_same(norm, raw) else raw
    return is_same(training.series("grad_norm").at(step), given)
