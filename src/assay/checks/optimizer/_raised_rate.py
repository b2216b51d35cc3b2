"""A rate that was raised in mid-run: the part of `learning-rate-too-high` that judges it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...journal.view import RunView, Training
from ...signals.jumps import Jump, jumps, what_raised
from ..base import Check
from ..finding import Evidence, Finding, Remedy, Where


@dataclass(frozen=True, slots=True)
class _Harm:
    evidence: Evidence
    says: str
    seen: int


def after_a_jump(check: Check, run: RunView, training: Training) -> Finding | None:
    """Returns a finding for the first jump of the rate that the loss did not recover from."""
    for jump in jumps(training):
        harm = _harm(check, training, jump) if jump.undone >= check.limit("undone") else None
        if harm is not None:
            return _found(check, run, training, jump, harm, sure=True)
        if higher := _higher(check, jump):
            return _found(check, run, training, jump, higher, sure=False)
    return None


def _harm(check: Check, training: Training, jump: Jump) -> _Harm | None:
    """Returns what shows that the steps after it were too long, the surest first."""
    early = int(check.limit("early"))
    quality = training.series("step_quality").finite()
    after = quality.between(jump.step, jump.losses.steps[-1] + 1)
    harmful = [step for step, value in after if value < 0]
    share = len(harmful) / max(len(after), 1)
    calm = quality.between(0, jump.step).values
    usual = sum(value < 0 for value in calm) / max(len(calm), 1)
    if len(after) >= check.limit("samples") and share >= max(check.limit("harmful"), 2 * usual):
        said = f"{share:.0%} of the steps measured from then on raised the loss of their own batch"
        limit = check.limit("harmful")
        return _Harm(
            Evidence("step_quality", share, limit, "of steps < 0", samples=len(after),
                     steps=(after.steps[0], after.steps[-1])), said, harmful[0],
        )  # fmt: skip
    first = after.between(jump.step, jump.step + early)
    worst = min(first, key=lambda sample: sample[1], default=(0, math.inf))
    if worst[1] < check.limit("collapse"):
        said = f"one of the steps after it did {worst[1]:.0%} of what its gradient promised"
        if worst[1] < 0:
            said = "one of the first steps after it raised the loss of its own batch"
        evidence = Evidence("step_quality", worst[1], check.limit("collapse"), "1",
                            steps=(worst[0], worst[0]), samples=1)  # fmt: skip
        return _Harm(evidence, said, worst[0])
    at_once = jump.losses.between(jump.step, jump.step + 1 + early)
    high = check.limit("thrown") * max(jump.first, jump.usual)
    for step, loss in at_once:
        if not math.isfinite(loss) or loss > high > 0:
            times = loss / jump.usual if jump.usual > 0 else math.inf
            said = f"at step {step} the loss was " + (
                f"{times:.3g} times what it had been" if math.isfinite(loss) else "not finite"
            )
            return _Harm(Evidence("loss", loss, high, steps=(step, step), samples=1), said, step)
    return None


def _higher(check: Check, jump: Jump) -> _Harm | None:
    """Returns how much higher the loss has been since, though no step was seen to do harm."""
    limit = check.limit("higher")
    if not (jump.times >= limit and jump.end - jump.usual > 2 * jump.noise):
        return None
    steps = jump.losses.steps
    evidence = Evidence("loss", jump.times, limit, "times the usual loss before",
                        steps=(steps[0], steps[-1]), samples=len(steps))  # fmt: skip
    return _Harm(evidence, f"it has been at least {jump.times:.3g} times as high since", steps[0])


def _found(
    check: Check, run: RunView, training: Training, jump: Jump, harm: _Harm, *, sure: bool
) -> Finding:
    how, line = what_raised(run, training, jump.step)
    ended = "not finite at the end" if jump.broken else f"{jump.end:.4g} after it"
    raised = Evidence(
        "learning_rate", jump.after, jump.before, steps=(jump.step, jump.step), samples=1
    )
    return check.found(
        f"the rate went from {jump.before:.3g} to {jump.after:.3g} at step {jump.step}"
        f"{f', {how}' if how else ''}; the loss had been {jump.usual:.4g} and was {ended}; "
        f"{harm.says}",
        "steps longer than the loss surface is smooth undo what was learnt",
        try_=(
            f"keep the rate at about {jump.before:.3g} from step {jump.step} on",
            "if it is to be raised, then over many steps, and look where the loss stops falling",
        ),
        where=Where(site=line or training.site, group=0 if line is None else None),
        steps=(jump.step, training.steps - 1),
        evidence=(harm.evidence, raised),
        tricks=(Remedy("clip-norm", "1.0"),),
        severity=None if sure else "warning",
        tier=None if sure else "heuristic",
        training=training,
        began=(jump.step, harm.seen),
    )
