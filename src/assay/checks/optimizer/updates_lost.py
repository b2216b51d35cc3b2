"""The check `updates-lost`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.view import RunView, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples

TORCH = frozenset(
    ("SGD", "ASGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta",
     "Adafactor", "Rprop")
)  # fmt: skip
"""Optimizers that add the update to the weight and round to nearest."""
HALF = ("float16", "bfloat16")


class UpdatesLost(Check):
    """A step leaves almost all weights as they were, bit by bit, though they have gradients.

    ## What it does
    Compares each half precision weight before and after sampled steps, for parameters of which at
    least half of the gradient is not zero. Reported if the median step changed fewer than 2 % of
    the elements, in parameters that hold more than half of all. Steps with less than a tenth of the
    largest rate do not count.

    ## Why it matters
    An update smaller than half the distance to the next number is rounded away: in bfloat16 that is
    0.2 to 0.4 % of the weight. Training then stands still although loss and gradients look right.

    ## Evidence
    Exact. `weight_changed_share`: the share of elements that differ in any bit.

    ## Known exceptions
    Silent: weights in float32, where a gradient or a rate is what is too small; warm-up and the end
    of a decay; gradients that are mostly zero, as of embeddings; half precision weights under an
    optimizer that is not torch's, which may round stochastically or keep the remainder (Kahan); a
    rate of 0.

    ## Example
    `model.to(torch.bfloat16)` and AdamW with a rate of 1e-5.

    ## What to try
    Weights in float32 and `torch.autocast` for the forward pass, or a larger rate.

    ## References
    Zamirai et al.: Revisiting BFloat16 Training, 2020; Micikevicius et al.: Mixed Precision
    Training, 2018, section 3.1.
    """

    name = "updates-lost"
    family = "optimizer"
    severity = "warning"
    tier = "exact"
    needs = ("weight_changed_share",)
    reads = ("weight_changed_share", "grad_zero_share", "learning_rate")
    requires = (Samples(("weight_changed_share",)),)
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "changed": Limit(0.02, "of the elements", "ours: an update of a tenth of the last digit"),
        "zero": Limit(0.5, "of the gradient's elements", "ours: such a weight has no update"),
        "elements": Limit(0.5, "of all elements", "ours: more than half of the model"),
        "rate": Limit(0.1, "of the largest rate", "ours: a rate near 0 is meant to do nothing"),
        "samples": Limit(8, "samples", "ours: a median needs that many"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            known = {p.name: p for p in run.parameters}
            shares = {
                place: share
                for place in training.places("weight_changed_share")
                if place and (share := self._changed(training, place)) is not None
            }
            elements = {place: known[place].elements for place in shares if place in known}
            lost = [place for place in elements if shares[place] < self.limit("changed")]
            part = sum(elements[place] for place in lost)
            if not lost or part <= self.limit("elements") * sum(elements.values()):
                continue
            worst = max(lost, key=elements.__getitem__)
            dtype = known[worst].dtype
            if dtype not in HALF or training.optimizer not in TORCH:
                continue  # in float32 the gradient, or the rate, is what is too small
            rate = max(training.series("learning_rate", "group 0").values, default=0.0)
            share, below = shares[worst], self.limit("changed")
            advice = ("keep the weights in float32 and use torch.autocast", "a larger rate")
            yield self.found(
                f"a step changed {share:.2%} of the elements of {worst} ({dtype}), and less than "
                f"{below:.0%} in {len(lost)} of {len(elements)} parameters, at rate {rate:.2g}",
                "an update that is small beside the last digit of its weight is rounded away",
                try_=advice,
                where=Where(site=training.site, parameter=worst),
                steps=(0, max(training.steps - 1, 0)),
                evidence=(Evidence("weight_changed_share", share, below, "share", worst),),
                tricks=(Remedy("lr", "x10"),),
                training=training,
            )

    def _changed(self, training: Training, place: str) -> float | None:
        """Returns the share that a median step changed; None where too few steps can tell."""
        rates = training.series("learning_rate", "group 0")
        high = max(rates.values, default=0.0) * self.limit("rate")
        zero, most = training.series("grad_zero_share", place), self.limit("zero")
        shares = [
            share
            for step, share in training.series("weight_changed_share", place).finite()
            if zero.at(step) < most
            if (rate := rates.held_at(step)) >= high and rate > 0
        ]
        return median(shares) if len(shares) >= self.limit("samples") else None
