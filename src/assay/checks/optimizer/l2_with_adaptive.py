"""The check `l2-with-adaptive`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...journal.view import RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where

ADAPTIVE = frozenset(("Adam", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta"))


class L2WithAdaptive(Check):
    """A weight decay meant for AdamW is added to the gradient of an optimizer that rescales it.

    ## What it does
    Reads the settings of each parameter group of Adam and its relatives: a `weight_decay` of 0.01
    or more, the size that is usual where decay stands apart from the gradient, that is not
    decoupled.

    ## Why it matters
    The optimizer divides the decay by the size of the gradient, together with it: weights with
    large gradients hardly decay, those with small ones are pulled to 0 at the full rate.

    ## Evidence
    Exact, and a note: the run may well be good. `weight_decay`: the setting.

    ## Known exceptions
    Silent: AdamW, and `decoupled_weight_decay=True`; smaller values, such as the 5e-4 of graph
    networks, which were chosen for Adam; SGD, where the two are the same.

    ## Example
    `torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=0.01)`.

    ## What to try
    `torch.optim.AdamW` with the same value.

    ## References
    Loshchilov and Hutter: Decoupled Weight Decay Regularization, 2019, section 2.
    """

    name = "l2-with-adaptive"
    family = "optimizer"
    severity = "note"
    tier = "exact"
    needs = ("learning_rate",)
    reads = ("learning_rate",)
    limits = {
        "decay": Limit(0.01, "", "torch.optim.AdamW: its default, where Adam's is 0"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            if training.optimizer not in ADAPTIVE or not training.places("learning_rate"):
                continue
            for group in training.groups:
                decay: Any = group.settings.get("weight_decay")
                apart = group.settings.get("decoupled_weight_decay")
                if type(decay) not in (int, float) or apart or not decay >= self.limit("decay"):
                    continue
                yield self.found(
                    f"{training.optimizer} has a weight decay of {decay:g}, which it adds to the "
                    "gradient and divides by its size",
                    "weights with small gradients decay at the full rate, those with large ones "
                    "hardly",
                    try_=("torch.optim.AdamW, whose decay stands apart from the gradient",),
                    where=Where(site=training.site, group=group.index),
                    steps=(0, max(training.steps - 1, 0)),
                    evidence=(Evidence("weight_decay", decay, self.limit("decay")),),
                    tricks=(Remedy("weight-decay", f"{decay:g}"),),
                    training=training,
                )
