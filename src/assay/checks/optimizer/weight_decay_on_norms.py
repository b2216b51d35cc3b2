"""The check `weight-decay-on-norms`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...journal.view import Group, RunView, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where

APART = frozenset(("SGD", "AdamW"))
"""Optimizers whose decay shrinks a weight by rate times decay each step, and by nothing else."""


class WeightDecayOnNorms(Check):
    """Weight decay has shrunk the gains of norms, which have no size to be kept small.

    ## What it does
    Looks at the weights of normalisation layers in parameter groups with weight decay, under SGD
    and AdamW. Reported if decay alone would have taken them to 0.7 or less in this run, and they
    ended at half of what they were, or less.

    ## Why it matters
    A gain that decays scales its layer's output down. That limits no complexity, as decay of a
    matrix does; it only works against the gradient.

    ## Evidence
    Exact, and a note: `weight_norm` of the gain that shrank most. The run may well be good.

    ## Known exceptions
    Silent: gains under decay that kept their size, as in most short runs; groups without decay;
    other optimizers, where what decay did can't be told from what the gradient did.

    ## Example
    `AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)` over a long run.

    ## What to try
    Two groups: matrices with decay, and everything of one dimension (gains, biases) without.

    ## References
    Goyal et al.: Accurate, Large Minibatch SGD, 2017, section 5.1; He et al.: Bag of Tricks for
    Image Classification, 2019, section 3.1.
    """

    name = "weight-decay-on-norms"
    family = "optimizer"
    severity = "note"
    tier = "exact"
    needs = ("weight_norm", "learning_rate")
    reads = ("weight_norm", "learning_rate")
    limits = {
        "alone": Limit(0.7, "of the first norm", "ours: what a learnt gain may do by itself"),
        "left": Limit(0.5, "of the first norm", "ours: half of its size"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        gains = {f"{m.name}.weight" for m in run.modules if "Norm" in m.kind}
        for training in run.trainings:
            if training.optimizer not in APART:
                continue
            for group in training.groups:
                left = {
                    place: norms.last / norms.first
                    for place in group.parameters
                    if place in gains
                    and len(norms := training.series("weight_norm", place).finite()) > 1
                    and norms.first > 0
                }
                alone = _decay_alone(training, group)
                shrunk = [place for place in left if left[place] <= self.limit("left")]
                if not shrunk or alone > self.limit("alone"):
                    continue
                worst = min(shrunk, key=left.__getitem__)
                yield self.found(
                    f"{len(shrunk)} of {len(left)} gains of norms shrank to half or less under a "
                    f"weight decay of {group.settings['weight_decay']:g}, {worst} to "
                    f"{left[worst]:.2g} of what it was",
                    "a gain is no complexity to be kept small, and decay works against what it "
                    "learns",
                    try_=("a group without decay for all parameters of one dimension",),
                    where=Where(site=training.site, group=group.index),
                    steps=(0, max(training.steps - 1, 0)),
                    evidence=(
                        Evidence(
                            "weight_norm", left[worst], self.limit("left"), "of the first", worst
                        ),
                    ),
                    tricks=(Remedy("weight-decay", _apart(training, group)),),
                    training=training,
                )


def _apart(training: Training, group: Group) -> str:
    """Returns the script's own decay, in the form in which its optimizer takes it."""
    decay: Any = group.settings["weight_decay"]
    own = training.optimizer == "AdamW" or group.settings.get("decoupled_weight_decay")
    return f"{decay:g}" if own else f"{decay:g},kind=l2"


def _decay_alone(training: Training, group: Group) -> float:
    """Returns what decay would leave of a weight over the run, without any gradient."""
    decay: Any = group.settings.get("weight_decay") or 0.0
    momentum: Any = group.settings.get("momentum") or 0.0
    rates = training.series("learning_rate", f"group {group.index}")
    ends = [*list(rates.steps)[1:], training.steps]
    total = sum(rate * max(end - begin, 0) for (begin, rate), end in zip(rates, ends, strict=False))
    return math.exp(-total * decay / max(1.0 - momentum, 1e-3))
