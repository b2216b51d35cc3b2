"""The check `loss-not-finite`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import NONFINITE_LOSS, NonfiniteTraced
from ...journal.view import RunView, Training
from ...signals.nonfinite.told import mend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy
from ._first_broken import origin_of

_CLIP, _SKIP = Remedy("clip-norm", "1.0"), Remedy("skip-non-finite")
_LOWER = Remedy("lr", "x0.1"), Remedy("lr", "x0.01")

DEEPER = (
    "assay check --deep runs the script once more, traced at that step, and names the operation"
)

GREW = (_CLIP, _LOWER[0], _SKIP, _LOWER[1])
AT_ONCE = (_SKIP, _CLIP, *_LOWER)
"""One step can be enough for a rate that is too high, and then no loss is seen to grow."""


class LossNotFinite(Check):
    """The loss became NaN or infinite, and a step was taken with it or the script ended.

    ## What it does
    Assay reads the loss of every step. At the first one that is NaN or infinite it looks what was
    not finite before it: the input, a weight, a module's output, a gradient. On the CPU it also
    walks the graph of that very loss, from the data to the loss, to the first operation whose
    operands were not finite. Where the step was recorded (the first 32 are), it is computed again
    and every operation watched, forward and backward: the one is named that made the first value
    that is not finite of values that were, with the reason. Of later steps `--deep` says the same:
    it runs the script once more, and watches that step, the update too.

    ## Why it matters
    A step along a gradient that is not finite writes NaN into the weights, and no later step can
    take it out again. What became of the weights is read from them, where a later step was sampled.

    ## Evidence
    Exact. The first step without a finite loss, and the last finite loss before it. Of a second run
    the report says whether its losses were the same.

    ## Known exceptions
    Steps that a GradScaler skips are silent, and so are batches that the script itself drops before
    the optimizer's step. An infinite loss after which training goes on, since later losses or the
    weights are finite, is a warning: a constant that is infinite has no gradient.

    ## Example
    `torch.log(p)` where p reaches 0, `torch.sqrt` at 0, a division by a count of 0, a rate that is
    far too high.

    ## What to try
    Mend the operation that is named: log_softmax for log(softmax), a small constant under a root or
    in a divisor. If the loss grew before it broke: a lower rate, warm-up, or gradient clipping.

    ## References
    IEEE 754. Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks,
    ICML 2013 (clipping).
    """

    name = "loss-not-finite"
    family = "loss"
    severity = "error"
    tier = "exact"
    needs = ("loss",)
    reads = (
        "loss",
        "nonfinite_loss",
        "nonfinite_origin",
        "nonfinite_traced",
        "input_nan_share",
        "weight_nonfinite_share",
        "activation_nonfinite_share",
        "grad_nonfinite_share",
        "loss_call",
    )
    is_effect = (Effect.NOT_FINITE,)
    limits = {
        "losses": Limit(0, "steps", "definition: a loss is a number"),
        "growth": Limit(10, "last finite / first loss", "Megatron's rerun machine: 10 x the max"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            losses = training.series("loss")
            broken = [step for step, value in losses if not math.isfinite(value)]
            if len(broken) <= self.limit("losses"):
                yield from self._ended_at(run, training)
                continue
            step, finite = broken[0], losses.between(0, broken[0]).finite()
            after = [value for s, value in losses if s > broken[-1] and math.isfinite(value)]
            grew = len(finite) > 1 and finite.last > self.limit("growth") * abs(finite.first)
            traced, origin, where = origin_of(run, training, step)
            fate = _weights_after(training, step)
            harmless = bool(after) or fate == 0.0
            word = "NaN" if losses.at(step) != losses.at(step) else "infinite"
            before = f" (the last finite one was {finite.last:.4g})" if len(finite) else ""
            yield self.found(
                f"the loss was {word} at step {step}{before}{origin}",
                _why(finite_again=bool(after), fate=fate),
                try_=_advice(run, traced, grew=grew, skip=bool(after) or fate != 0.0),
                where=where,
                steps=(step, broken[-1]),
                evidence=(Evidence("loss", losses.at(step), None, ""),),
                tricks=_tricks(grew=grew, skip=bool(after) or fate != 0.0),
                severity="warning" if harmless else "error",
                training=training,
            )

    def _ended_at(self, run: RunView, training: Training) -> Iterator[Finding]:
        """Yields a loss for which the script ended with an error, before a step was taken."""
        status = run.facts.get("exit_code")
        for event in run.events(NONFINITE_LOSS):
            if not status or event.step < training.steps:
                continue
            if event.training not in (None, training.index):
                continue
            traced, origin, where = origin_of(run, training, event.step)
            yield self.found(
                f"the loss was not finite at step {event.step}, which was not taken: the script "
                f"ended with status {status}{origin}",
                "training can't go on from it",
                try_=_advice(run, traced, grew=False, skip=False),
                where=where,
                steps=(event.step, event.step),
                tricks=AT_ONCE,
                training=training,
            )
            return


def _weights_after(training: Training, step: int) -> float | None:
    """Returns the largest share of a weight that was not finite after this step, if one was seen.

    Weights are measured before their step, so those of this one come later.
    """
    shares = [
        value
        for place in training.places("weight_nonfinite_share")
        for at, value in training.series("weight_nonfinite_share", place)
        if at > step
    ]
    return max(shares, default=None)


def _why(*, finite_again: bool, fate: float | None) -> str:
    if finite_again:
        return "training went on from it, by luck"
    if fate is None:
        return (
            "a step along such a gradient makes the weights NaN, and no later step mends them; "
            "no later step was sampled that would show them"
        )
    if fate > 0:
        return "the weights are no longer finite, and stay so: all later steps are lost"
    return (
        "the weights stayed finite, so their gradients did: what is not finite is a part of the "
        "loss that no weight has a share in, and the loss no longer says how training goes"
    )


def _advice(
    run: RunView, traced: NonfiniteTraced | None, *, grew: bool, skip: bool
) -> tuple[str, ...]:
    said = []
    if grew:
        said.append("lower the learning rate, warm it up, or clip the gradient norm")
    elif traced is not None and (change := mend(traced)):
        said.append(change)
    else:
        said.append("mend the operation that made it: log or sqrt at 0, a division by 0, overflow")
    if traced is None:
        said.append(run.skipped.get("forensics", DEEPER))
    return (*said, "skip steps whose loss is not finite") if skip else tuple(said)


def _tricks(*, grew: bool, skip: bool) -> tuple[Remedy, ...]:
    """Returns remedies; none where the weights are well: skipping would skip all steps."""
    if not skip:
        return ()
    return GREW if grew else AT_ONCE
