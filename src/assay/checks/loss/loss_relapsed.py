"""The check `loss-relapsed`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from ...journal.view import RunView, Training
from ...signals.constant import constant_loss
from ...signals.objective import only_loss
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import ConstantLoss, OneObjective, Steps

PARTS = 20
"""Parts of the run whose median losses are compared."""
WINDOW = 5


class LossRelapsed(Check):
    """What had been learnt was lost: the loss came back to that of a constant prediction.

    ## What it does
    Compares the median loss of each twentieth of the run with the loss of a constant prediction:
    one part lies far below it, and all from a later part to the end are close to it again. The step
    at which the loss rose is named.

    ## Why it matters
    Something changed at that step: the data, their labels, the rate, or what is trained. What comes
    after it teaches the model nothing of the targets.

    ## Evidence
    Heuristic. The lowest median, the median of the last quarter, and the loss of a constant
    prediction.

    ## Known exceptions
    Silent where the loss falls again, as after a new task or a warm restart, and where less than a
    quarter of the run is left. Not judged: sums of losses, several optimizers, losses whose
    constant prediction is not known. Data that are made unlearnable on purpose are reported.

    ## Example
    After the first epochs a table is read again, sorted otherwise than its labels.

    ## What to try
    See what the script does at that step: another loader, another file, labels that are shuffled
    without their inputs, a jump of the rate.

    ## References
    Zhang et al.: Understanding Deep Learning Requires Rethinking Generalization, 2017 (training on
    random labels).
    """

    name = "loss-relapsed"
    family = "loss"
    severity = "warning"
    tier = "heuristic"
    status = "preview"
    by_hand = "a preview: its findings ask for nothing yet"
    needs = ("loss", "loss_call_value")
    reads = ("loss", "loss_call", "loss_call_value", "label_count", "target_mean", "target_std")
    requires = (OneObjective(), Steps(), ConstantLoss())
    is_effect = (Effect.NOT_LEARNING,)
    limits = {
        "steps": Limit(200, "steps", "ours: ten for each part"),
        "learnt": Limit(0.5, "of a constant's loss", "ours: half of it was explained"),
        "lost": Limit(0.75, "of a constant's loss", "ours: most of that is gone"),
        "left": Limit(5, "twentieths of the run", "ours: later it may still fall"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            finding = self._review(run, training)
            if finding is not None:
                yield finding

    def _review(self, run: RunView, training: Training) -> Finding | None:
        call = only_loss(run, training)
        constant = constant_loss(training, call) if call is not None else None
        losses = training.series("loss").finite()
        size = len(losses) // PARTS
        if constant is None or size < WINDOW:
            return None
        parts = [median(losses.values[i * size : (i + 1) * size]) for i in range(PARTS)]
        lost = PARTS
        while lost and parts[lost - 1] > self.limit("lost") * constant:
            lost -= 1
        low = min(parts[:lost], default=constant)
        if PARTS - lost < self.limit("left") or not low < self.limit("learnt") * constant:
            return None
        end = median(parts[lost:])
        at = losses.steps[_rise(losses.values, (low + end) / 2)]
        return self.found(
            f"the loss had fallen to {low:.3g} and came back to {end:.3g} at about step {at}, "
            f"{end / constant:.0%} of that of a constant prediction ({constant:.3g})",
            "something changed at that step, and nothing of the targets is learnt since",
            try_=(f"see what the script does at step {at}: other data, labels in another order",),
            where=Where(site=call.site if call is not None else None),
            steps=(at, training.steps - 1),
            evidence=(
                Evidence("loss", end / constant, self.limit("lost"), "of a constant's loss"),
                Evidence("loss", low),
            ),
            training=training,
            began=(max(at - size, 0), at),
        )


def _rise(values: Sequence[float], level: float) -> int:
    """Returns where the last window of losses below this level ends."""
    for end in range(len(values), WINDOW, -1):
        if median(values[end - WINDOW : end]) < level:
            return min(end, len(values) - 1)
    return 0
