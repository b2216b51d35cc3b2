"""The check `clipping-scaled-gradients`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import CLIP
from ...journal.view import RunView
from ...signals.scaled import is_same, scaled_steps
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class ClippingScaledGradients(Check):
    """Gradients are clipped while a GradScaler's factor is still in them.

    ## What it does
    Compares, on sampled steps whose backward passes all went through a scaled loss, the norm that
    `clip_grad_norm_` found with that of the gradients as the backward pass left them. If they are
    equal, nobody has unscaled them, and the limit was meant for gradients that are smaller.

    ## Why it matters
    A limit of 1 on gradients that are 65,536 times too large is a limit of 0.000015 on what the
    optimizer gets after unscaling: SGD hardly moves, and other optimizers see the direction only.

    ## Evidence
    Exact. `clip_limit` over `loss_scaled_by`: the limit that was in effect.

    ## Known exceptions
    Silent: a limit that was multiplied by the scale (above a hundredth of it), and an infinite one,
    which only measures the norm; gradients that were unscaled by `unscale_` or by hand; limits that
    no norm was above. Not judged: `clip_grad_value_`, a part of the parameters alone, and scripts
    that hook into the gradients of tensors.

    ## Example
    `scaler.scale(loss).backward()`, and `clip_grad_norm_(model.parameters(), 1.0)` right after it.

    ## What to try
    `scaler.unscale_(optimizer)` before the call that clips; `scaler.step` knows of it.

    ## References
    PyTorch documentation, "Automatic Mixed Precision examples", section "Gradient clipping".
    """

    name = "clipping-scaled-gradients"
    family = "precision"
    severity = "warning"
    tier = "exact"
    needs = ("backward_passes",)
    reads = (
        "backward_passes",
        "scaled_passes",
        "loss_scaled_by",
        "raw_grad_norm",
        "clip_norm",
        "clip_limit",
        "hook_registered",
        "clip",
    )
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "meant": Limit(0.01, "of the scale", "ours: a larger limit was multiplied by the scale"),
        "steps": Limit(2, "steps", "ours: one step alone says little of a loop"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            norms = dict(training.series("clip_norm").finite())
            limits = dict(training.series("clip_limit").finite())
            found = [
                (step, scale, limits[step])
                for step, scale, raw in scaled_steps(run, training)
                if step in norms and step in limits and is_same(norms[step], raw)
                if limits[step] < min(raw, self.limit("meant") * scale)
            ]
            if len(found) < self.limit("steps"):
                continue
            _, scale, limit = max(found, key=lambda one: one[1])
            sites = (e.site for e in run.events(CLIP) if e.process == training.process)
            yield self.found(
                f"gradients of a loss that a GradScaler had multiplied by {scale:,.0f} were "
                f"clipped at {limit:.3g}: at {limit / scale:.2g} once they were unscaled",
                "the limit is meant for gradients without the scale, which are far smaller",
                try_=("call scaler.unscale_(optimizer) before the call that clips",),
                where=Where(site=next(sites, training.step_site)),
                steps=(found[0][0], found[-1][0]),
                evidence=(
                    Evidence("clip_limit", limit, self.limit("meant") * scale, "loss / weight"),
                    Evidence("loss_scaled_by", scale),
                ),
                tricks=(Remedy("use-scaler"),),
                training=training,
            )
