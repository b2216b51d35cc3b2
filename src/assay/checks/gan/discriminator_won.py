"""The check `discriminator-won`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.series import Series
from ...journal.view import RunView, Training
from ...signals.players import Pair, pairs, site
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class DiscriminatorWon(OfPlayers):
    """The judge's loss has gone to zero: it tells every generated row apart, and is sure of it.

    ## What it does
    Compares the judge's loss over the last half of the run with its first value.

    ## Why it matters
    A judge without doubt is flat around what the generator makes: the gradient that reaches the
    generator says nothing of where the data lie, and the generator stays where it is.

    ## Evidence
    Heuristic: the median of the judge's `loss` in the last half, over that of its first steps.

    ## Known exceptions
    Silent: losses that are below zero at some step (Wasserstein); the first 100 steps; a judge
    whose loss comes back.

    ## Example
    A judge with ten times the rate of its generator, on data that lie far from where it begins.

    ## What to try
    A lower rate for the judge, noise on what is judged, labels of 0.9 for real rows, a gradient
    penalty or spectral norm.

    ## References
    Arjovsky and Bottou, "Towards principled methods for training generative adversarial networks",
    2017, theorem 2.4.
    """

    name = "discriminator-won"
    family = "gan"
    severity = "warning"
    tier = "heuristic"
    status = "preview"
    by_hand = "which of several bounds on the judge helps is found by trying"
    reads = ("turn", "loss")
    limits = {
        "steps": Limit(100, "steps", "ours: a judge may be ahead for a while"),
        "share": Limit(0.01, "of its first loss", "ours: right GANs of tests/ have 0.2 and more"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for pair in pairs(run):
            for training in self._own(run, pair):
                loss = training.series("loss").finite()
                half = loss.between(training.steps // 2, training.steps)
                if training.steps < self.limit("steps") or not self._positive(loss) or not half:
                    continue
                first, last = median(loss.values[:8]), median(half.values)
                if not last < self.limit("share") * first:
                    continue
                call = next(c for _, _, c in pair.calls(detached=True))
                yield self.found(
                    f"the loss of {pair.judge} fell from {first:.3g} to {last:.2g} and stayed "
                    f"there for the last half of {training.steps} steps",
                    "the judge is sure of every row, and its slope tells the generator nothing",
                    try_=(
                        "lower the judge's rate, or soften its labels",
                        "bound its slope by a gradient penalty or spectral norm",
                    ),
                    where=Where(site=site(call)),
                    steps=(training.steps // 2, training.steps - 1),
                    evidence=(Evidence("loss", last, self.limit("share") * first),),
                    training=training,
                )

    def _own(self, run: RunView, pair: Pair) -> list[Training]:
        """Returns the training that holds the judge, if it does not hold the generator as well."""
        makers = pair.holders(run, pair.generator)
        own = [t for t in pair.holders(run, pair.judge) if t not in makers]
        return own[:1] if any(True for _ in pair.calls(detached=True)) else []

    @staticmethod
    def _positive(loss: Series) -> bool:
        return len(loss) > 8 and min(loss.values) >= 0
