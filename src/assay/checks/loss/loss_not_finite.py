"""The check `loss-not-finite`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import LOSS_CALL, NONFINITE_ORIGIN
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

# In the order in which numbers flow: at the same step the earlier one is the source.
FLOW = (
    ("input_nan_share", "the input"),
    ("weight_nonfinite_share", "the weight"),
    ("activation_nonfinite_share", "the output of"),
    ("grad_nonfinite_share", "the gradient of"),
)


_CLIP, _SKIP = Remedy("clip-norm", "1.0"), Remedy("skip-non-finite")
_LOWER = Remedy("lr", "x0.1"), Remedy("lr", "x0.01")

GREW = (_CLIP, _LOWER[0], _SKIP, _LOWER[1])
AT_ONCE = (_SKIP, _CLIP, *_LOWER)
"""One step can be enough for a rate that is too high, and then no loss is seen to grow."""


class LossNotFinite(Check):
    """The loss became NaN or infinite, and a step was taken with it.

    ## What it does
    Assay reads the loss of every step. At the first one that is NaN or infinite it looks what was
    not finite before it: the input, a weight, a module's output, a gradient. On the CPU it also
    walks the graph of that very loss, from the data to the loss, to the first operation whose
    operands were not finite.

    ## Why it matters
    A step along a gradient that is not finite writes NaN into the weights, and no later step can
    take it out again. What became of the weights is read from them, where a later step was sampled.

    ## Evidence
    Exact. The first step without a finite loss, and the last finite loss before it.

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
        "nonfinite_origin",
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
                continue
            step, finite = broken[0], losses.between(0, broken[0]).finite()
            after = [value for s, value in losses if s > broken[-1] and math.isfinite(value)]
            grew = len(finite) > 1 and finite.last > self.limit("growth") * abs(finite.first)
            origin, where = self._origin(run, training, step)
            fate = _weights_after(training, step)
            harmless = bool(after) or fate == 0.0
            word = "NaN" if losses.at(step) != losses.at(step) else "infinite"
            before = f" (the last finite one was {finite.last:.4g})" if len(finite) else ""
            yield self.found(
                f"the loss was {word} at step {step}{before}{origin}",
                _why(finite_again=bool(after), fate=fate),
                try_=_advice(grew=grew, skip=bool(after) or fate != 0.0),
                where=where,
                steps=(step, broken[-1]),
                evidence=(Evidence("loss", losses.at(step), None, ""),),
                tricks=_tricks(grew=grew, skip=bool(after) or fate != 0.0),
                severity="warning" if harmless else "error",
                training=training,
            )

    def _origin(self, run: RunView, training: Training, step: int) -> tuple[str, Where]:
        """Says what was not finite first, in words, and where that is."""
        call = next(run.events(LOSS_CALL), None)
        traced = next(iter(run.events(NONFINITE_ORIGIN)), None)
        known = call or traced
        site = known.site if known else training.site
        met = []
        for order, (signal, words) in enumerate(FLOW):
            for number, place in enumerate(training.places(signal)):
                last = step - (signal == "grad_nonfinite_share")  # this step's follows the loss
                for s, value in training.series(signal, place):
                    if s <= last and value > 0:
                        met.append((s, order, number, signal, words, place))
                        break
        if traced is not None and (not met or min(met)[0] >= step):
            said = {
                "input": "the input",
                "parameter": "the weight",
                "operation": "the operation",
            }[traced.data["kind"]]
            module = traced.data.get("module")
            inside = f" next to {module}" if module else ""
            text = f"; what was not finite first was {said} `{traced.data['place']}`{inside}"
            return text, Where(site=Site.read(traced.data.get("line")) or site, module=module)
        if not met:
            return "", Where(site=site)
        s, _, _, signal, words, place = min(met)
        text = f"; what was not finite first was {words} `{place}` at step {s}"
        parameter = place if signal in ("weight_nonfinite_share", "grad_nonfinite_share") else None
        module = place if signal == "activation_nonfinite_share" else None
        return text, Where(site=site, module=module, parameter=parameter)


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


def _advice(*, grew: bool, skip: bool) -> tuple[str, ...]:
    first = (
        "lower the learning rate, warm it up, or clip the gradient norm"
        if grew
        else "mend the operation that made it: log or sqrt at 0, a division by 0, overflow"
    )
    return (first, "skip steps whose loss is not finite") if skip else (first,)


def _tricks(*, grew: bool, skip: bool) -> tuple[Remedy, ...]:
    """Returns remedies; none where the weights are well: skipping would skip all steps."""
    if not skip:
        return ()
    return GREW if grew else AT_ONCE
