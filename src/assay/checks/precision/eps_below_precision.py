"""The check `eps-below-precision`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...journal.view import RunView
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

DIVIDES = frozenset(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta"))


class EpsBelowPrecision(Check):
    """Weights are float16, and the optimizer's eps is 0 there: it divides by 0.

    ## What it does
    Compares eps of each parameter group with half of the smallest number above 0 of float16, where
    that is what its parameters are made of: a smaller one is rounded to 0.

    ## Why it matters
    The squares of usual gradients are 0 in float16 as well. Adam then computes 0 / 0 for a gradient
    of 0 and divides by 0 for a small one: the weights are NaN after a step.

    ## Evidence
    Exact. `eps`, and the smallest that does not become 0.

    ## Known exceptions
    Silent: bfloat16, which has the range of float32; fused optimizers, which compute in float32;
    mixed precision, whose weights are float32; SGD, which divides by nothing.

    ## Example
    `model.half()` and `torch.optim.Adam(model.parameters())`, whose eps is 1e-8.

    ## What to try
    Weights in float32 and `torch.autocast`; or bfloat16; or at least `eps=1e-4`.

    ## References
    IEEE 754-2008 (binary16); Micikevicius et al.: Mixed Precision Training, 2018, section 3.1.
    """

    name = "eps-below-precision"
    family = "precision"
    severity = "error"
    tier = "exact"
    needs = ("learning_rate",)
    reads = ("learning_rate",)
    leads_to = (Effect.NOT_FINITE,)
    limits = {
        "eps": Limit(2.0**-25, "", "IEEE 754-2008: half of binary16's smallest number above 0"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        dtypes = {p.name: p.dtype for p in run.parameters}
        for training in run.trainings:
            if training.optimizer not in DIVIDES or not training.places("learning_rate"):
                continue
            for group in training.groups:
                eps: Any = group.settings.get("eps")
                half = [p for p in group.parameters if dtypes.get(p) == "float16"]
                small = type(eps) in (int, float) and eps <= self.limit("eps")
                if not half or not small or group.settings.get("fused"):
                    continue
                yield self.found(
                    f"{training.optimizer} has an eps of {eps:g}, which is 0 in float16, as "
                    f"{len(half)} of the {len(group.parameters)} parameters of its group are",
                    "it keeps the optimizer from dividing by 0, and can't where it is 0 itself",
                    try_=("keep the weights in float32 and use torch.autocast", "eps=1e-4"),
                    where=Where(site=training.site, group=group.index),
                    steps=(0, max(training.steps - 1, 0)),
                    evidence=(Evidence("eps", eps, self.limit("eps")),),
                    tricks=(Remedy("eps", "1e-4"),),
                    training=training,
                )
