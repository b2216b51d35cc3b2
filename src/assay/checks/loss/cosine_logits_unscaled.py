"""The check `cosine-logits-unscaled`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import LOSS_ACTIVATION, LOSS_CALL
from ...journal.view import RunView, Site
from ...signals.objective import training_of
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

COSINE = "Cosine"


class CosineLogitsUnscaled(Check):
    """Logits are cosines, from -1 to 1: among many classes none can get a high probability.

    ## What it does
    Assay looks in torch's graph which operation made the logits of `cross_entropy`. Where that is a
    product of two matrices whose vectors all have length 1, and nothing has scaled it, it computes
    what the loss can reach at best.

    ## Why it matters
    The best answer, 1 for the right class and -1 for all others, gives the right one a probability
    of e / (e + (C - 1) / e): 2.9 % of 250 classes. The loss stays near ln C, and its gradient
    pushes all wrong classes alike, so that the hard ones among them hardly count.

    ## Evidence
    Exact: the operation, the lengths of its vectors, and the bound ln(1 + (C - 1) / e^2), over
    ln C.

    ## Known exceptions
    Silent: cosines that are divided by a temperature or multiplied by a scale, learnt or not, and
    few classes, whose loss can fall below half of ln C.

    ## Example
    `F.cross_entropy(F.normalize(a) @ F.normalize(b).T, torch.arange(len(a)))`.

    ## What to try
    Divide by a temperature (0.05 to 0.2), or learn one: `logits * log_scale.exp()`, begun at
    ln(1 / 0.07).

    ## References
    Wu et al.: Unsupervised feature learning via non-parametric instance discrimination, 2018 (a
    temperature of 0.07); Wang et al.: NormFace, 2017, proposition 2 (the bound); Radford et al.:
    CLIP, 2021 (a scale that is learnt).
    """

    name = "cosine-logits-unscaled"
    family = "loss"
    severity = "warning"
    tier = "exact"
    by_hand = "the temperature is a choice of the script's own"
    needs = ("loss_call",)
    reads = ("loss_activation", "loss_call", "loss_call_value")
    limits = {"floor": Limit(0.5, "of ln C", "ours: the loss of a guess can't be halved")}

    def review(self, run: RunView) -> Iterator[Finding]:
        calls = {event.data["place"]: event for event in run.events(LOSS_CALL)}
        for event in run.events(LOSS_ACTIVATION):
            call = calls.get(event.data["place"])
            if event.data["activation"] != COSINE or call is None:
                continue
            classes = call.data["input"]["shape"][1]
            floor = math.log1p((classes - 1) * math.exp(-2))
            if classes < 2 or floor <= self.limit("floor") * math.log(classes):
                continue
            yield self.found(
                f"the logits of {event.data['fn']} were cosines, from -1 to 1: of {classes:,} "
                f"classes no class can get more than {math.exp(-floor):.1%} probability, "
                f"and the loss can't fall below {floor:.3g}",
                "a good answer and a middling one have nearly the same loss",
                try_=("divide the cosines by a temperature, such as 0.07, or learn one",),
                where=Where(site=Site.read(event.data["line"]) or event.site),
                steps=(event.step, event.step),
                evidence=(
                    Evidence(
                        "loss_activation", floor / math.log(classes), self.limit("floor"), "of ln C"
                    ),
                ),
                training=training_of(run, call),
                process=event.process,
            )
