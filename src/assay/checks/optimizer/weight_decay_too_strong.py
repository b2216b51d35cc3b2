"""The check `weight-decay-too-strong`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from ...journal.view import Group, RunView, Training
from ...signals.constant import constant_loss
from ...signals.objective import only_loss
from ...signals.trend import trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import ConstantLoss, OneOptimizer, Steps


class WeightDecayTooStrong(Check):
    """Weight decay outweighs the gradient: weights shrink to nothing, and the output is constant.

    ## What it does
    Compares what decay takes from each weight matrix with what moves it: decay times weight with
    the gradient, or rate times decay times weight with the whole update where decay stands apart
    from the gradient (AdamW). Reported if decay is the larger part on the median step for half of
    the matrices, they have shrunk to a tenth, and the loss is that of a constant prediction.

    ## Why it matters
    The network is pulled to 0 faster than it can learn, and then gives the same answer to all.

    ## Evidence
    Probe. `weight_norm`: what is left of the matrix that shrank most.

    ## Known exceptions
    Silent: any run that learns, however strong its decay; weights that a norm rescales and that
    shrink without harm. Not judged: several optimizers, and losses whose constant prediction is not
    known.

    ## Example
    SGD with `weight_decay=0.1` and a rate of 0.1; AdamW with `weight_decay=10`.

    ## What to try
    A hundredth: 1e-4 to 5e-4 is usual with SGD, 0.01 to 0.1 with AdamW.

    ## References
    Krogh and Hertz: A Simple Weight Decay Can Improve Generalization, 1991; Loshchilov and Hutter:
    Decoupled Weight Decay Regularization, 2019.
    """

    name = "weight-decay-too-strong"
    family = "optimizer"
    severity = "warning"
    tier = "probe"
    needs = ("weight_norm", "grad_norm")
    reads = (
        "loss",
        "loss_call",
        "loss_call_value",
        "label_count",
        "target_mean",
        "target_std",
        "weight_norm",
        "grad_norm",
        "update_norm",
        "learning_rate",
    )
    requires = (OneOptimizer(), Steps(), ConstantLoss())
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "steps": Limit(50, "steps", "ours: decay takes its time, even at a high rate"),
        "left": Limit(0.1, "of the first norm", "ours: nothing else shrinks a matrix tenfold"),
        "part": Limit(0.5, "of what moves the weight", "definition: the larger part"),
        "matrices": Limit(0.5, "of the matrices", "ours: half of the network"),
        "damage": Limit(0.95, "of a constant's loss", "as in learning-rate-too-high"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            call = only_loss(run, training)
            floor = constant_loss(training, call) if call is not None else None
            seen = trend(training.series("loss").finite())
            if floor is None or seen is None or seen.end < self.limit("damage") * floor:
                continue
            shapes = {p.name: p.shape for p in run.parameters}
            for group in training.groups:
                places = [p for p in group.parameters if len(shapes.get(p, ())) > 1]
                gone = [p for p in places if self._is_pulled_to_zero(training, group, p)]
                if not gone or len(gone) < self.limit("matrices") * len(places):
                    continue
                worst = min(gone, key=lambda place: _left(training, place))
                left, decay = _left(training, worst), float(group.settings["weight_decay"])
                yield self.found(
                    f"a weight decay of {decay:g} shrank {worst} to {left:.2g} of what it was, and "
                    f"{len(gone)} of {len(places)} matrices likewise; the loss ended at "
                    f"{seen.end:.4g}, where a constant prediction has {floor:.4g}",
                    "decay pulls the weights to 0 faster than the gradient can move them",
                    try_=(f"a weight decay of {decay / 100:.2g}",),
                    where=Where(site=training.site, group=group.index),
                    steps=(0, training.steps - 1),
                    evidence=(
                        Evidence("weight_norm", left, self.limit("left"), "of the first", worst),
                        Evidence("loss", seen.end / floor, self.limit("damage"), "of a constant's"),
                    ),
                    tricks=tuple(
                        Remedy("weight-decay", f"{value:.2g}")
                        for value in dict.fromkeys((decay / 100, min(decay / 1e4, 0.01)))
                    ),
                    training=training,
                )

    def _is_pulled_to_zero(self, training: Training, group: Group, place: str) -> bool:
        """Whether a matrix has shrunk, and decay is the larger part of what moves it."""
        decay: Any = group.settings.get("weight_decay") or 0.0
        weights = training.series("weight_norm", place).finite()
        if not decay or len(weights) < 2 or not _left(training, place) < self.limit("left"):
            return False
        rates = training.series("learning_rate", f"group {group.index}")
        parts = []
        for step, norm in weights:
            if training.optimizer == "AdamW" or group.settings.get("decoupled_weight_decay"):
                pull = rates.between(0, step + 1).last * decay * norm
                other = training.series("update_norm", place).at(step) - pull
            else:
                pull, other = decay * norm, training.series("grad_norm", place).at(step)
            if pull > 0 and other == other:
                parts.append(pull / (pull + abs(other)))
        return bool(parts) and median(parts) > self.limit("part")


def _left(training: Training, place: str) -> float:
    """Returns the last norm of a weight as a share of the first."""
    norms = training.series("weight_norm", place).finite()
    return norms.last / norms.first if norms.first > 0 else 1.0
