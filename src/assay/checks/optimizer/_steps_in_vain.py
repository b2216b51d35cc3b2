"""Steps that give hardly anything of what they promise: a part of `learning-rate-too-high`."""

from __future__ import annotations

from statistics import median

from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.objective import only_loss
from ...signals.trend import trend
from ..base import Check
from ..finding import Evidence, Finding, Remedy, Where

NOT_SMOOTH = "l1_loss"
"""Its slope is as steep at the bottom as far away: there steps promise much at any rate."""


def steps_in_vain(check: Check, run: RunView, training: Training) -> Finding | None:
    """Returns a warning where the loss stands, and few steps did what their gradient promised."""
    quality = sorted(training.series("step_quality").finite().values)
    losses, call = training.series("loss").finite(), only_loss(run, training)
    floor = constant_loss(training, call) if call is not None else None
    seen = trend(losses)
    if (
        len(quality) < check.limit("many")
        or floor is None
        or seen is None
        or call is None
        or len(losses) < len(training.series("loss"))
        or call.data["fn"] == NOT_SMOOTH
    ):
        return None
    most, quarter = quality[3 * len(quality) // 4], len(losses) // 4
    early, late = median(losses.values[quarter : 2 * quarter]), median(losses.values[-quarter:])
    learnt = seen.end < check.limit("learnt") * floor
    if most >= check.limit("vain") or learnt or late < check.limit("stands") * early:
        return None
    rate = training.series("learning_rate", "group 0").first
    samples = training.series("step_quality").finite()
    return check.found(
        f"the loss stands at {late:.4g} (it was {early:.4g} in the second quarter of the steps), "
        f"and three quarters of the {len(quality)} steps measured did less than {most:.1%} of what "
        "their gradient promised",
        "steps that overshoot gain nothing, however many there are",
        try_=(f"a rate of about {rate / 10:.2g} instead of {rate:.3g}, or a schedule",),
        where=Where(site=training.site, group=0),
        steps=(0, training.steps - 1),
        evidence=(
            Evidence("step_quality", most, check.limit("vain"), "of what was promised",
                     steps=(samples.steps[0], samples.steps[-1]), samples=len(samples)),
            Evidence("loss", late / early, check.limit("stands"), "times the second quarter"),
        ),
        severity="warning",
        tricks=(Remedy("lr", "x0.1"), Remedy("lr", "x0.3"), Remedy("lr", "x0.03")),
        training=training,
        began=(0, samples.steps[-1]),
    )  # fmt: skip
