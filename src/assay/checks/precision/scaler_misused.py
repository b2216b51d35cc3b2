"""The check `scaler-misused`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import SCALER, UNSCALED_PASS
from ...journal.view import RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

_CLOSE = 0.05


class ScalerMisused(Check):
    """A GradScaler divides gradients by another factor than they were multiplied by.

    ## What it does
    Counts steps through a GradScaler that was updated after the last loss was scaled: the scale may
    have changed in between. And looks, on sampled steps, for gradients of several backward passes,
    some of a scaled loss and some not, that were all divided by the scale.

    ## Why it matters
    After a change of the scale the gradients of a late step are twice as large as they should be,
    or half. Those of a loss that was never scaled become 65,536 times too small: it is not learnt.

    ## Evidence
    Exact. `late`: steps after the update. `scaled_passes` of `backward_passes`: how many passes of
    a step were scaled.

    ## Known exceptions
    Silent: several losses that are all scaled, one update at the end of the iteration; several
    scalers; losses added up before they are scaled. Not judged for passes that are not scaled:
    processes in which several optimizers step. That `update` is missing, or `unscale_` called
    twice, torch itself says by an error.

    ## Example
    `scaler.step(first)`, `scaler.update()`, `scaler.step(second)`, `scaler.update()`.

    ## What to try
    One `scaler.update()` after the last step of an iteration; `scaler.scale` around every loss.

    ## References
    PyTorch documentation, "Automatic Mixed Precision examples", section "Working with multiple
    models, losses, and optimizers".
    """

    name = "scaler-misused"
    family = "precision"
    severity = "warning"
    tier = "exact"
    by_hand = "the order of the script's own calls has to change"
    needs = ("backward_passes",)
    reads = (
        "backward_passes",
        "scaler",
        "unscaled_pass",
        "scaled_passes",
        "loss_scaled_by",
        "raw_grad_norm",
        "clip_norm",
        "grad_norm",
    )
    limits = {
        "steps": Limit(2, "steps", "ours: one step alone says little of a loop"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        late = [event for event in run.events(SCALER) if event.data.get("late")]
        for process in sorted({event.process for event in late}):
            own = [event for event in late if event.process == process]
            count, steps = own[-1].data["late"], own[-1].data["steps"]
            if count >= self.limit("steps"):
                yield self.found(
                    f"{count} of {steps} steps through a GradScaler came after it had been "
                    "updated, with no loss scaled in between",
                    "the scale may have changed since the gradients were multiplied by it",
                    try_=("call scaler.update() once, after the last step of the iteration",),
                    where=Where(site=own[0].site),
                    steps=(own[0].step, own[-1].step),
                    evidence=(Evidence("scaler", count, 0, "late steps"),),
                    process=process,
                )
        for event in run.events(UNSCALED_PASS):
            own_trainings = [t for t in run.trainings if t.process == event.process and t.steps]
            if len(own_trainings) != 1:
                continue
            training = own_trainings[0]
            passes, raw = training.series("backward_passes"), training.series("raw_grad_norm")
            used, clipped = training.series("grad_norm"), training.series("clip_norm")
            scales = training.series("loss_scaled_by")
            mixed = [
                step
                for step, scaled in training.series("scaled_passes")
                if 0 < scaled < passes.at(step) and scales.at(step) > 1
                if _is_close(
                    raw.at(step),
                    scales.at(step) * (clipped.at(step) if clipped.has(step) else used.at(step)),
                )
            ]
            if len(mixed) < self.limit("steps"):
                continue
            first = mixed[0]
            yield self.found(
                f"{passes.at(first) - training.series('scaled_passes').at(first):g} of "
                f"{passes.at(first):g} backward passes of a step were of a loss that was not "
                f"scaled, and their gradients too were divided by the scale of "
                f"{scales.at(first):,.0f}",
                "what comes of the loss that was not scaled is as many times too small",
                try_=("call scaler.scale on every loss of the step",),
                where=Where(site=event.site),
                steps=(first, mixed[-1]),
                evidence=(
                    Evidence("scaled_passes", training.series("scaled_passes").at(first),
                             passes.at(first), "passes"),
                ),
                training=training,
            )  # fmt: skip


def _is_close(one: float, other: float) -> bool:
    """Whether one of two norms is the other, rounding of half precision apart."""
    return abs(one - other) <= _CLOSE * max(one, other)
