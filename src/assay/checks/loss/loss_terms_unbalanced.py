"""The check `loss-terms-unbalanced`."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, prod
from statistics import median

from ...journal.events import MEAN_BESIDE_SUM, MeanBesideSum
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import OneOptimizer, Samples


class LossTermsUnbalanced(Check):
    """A loss that is a mean over all elements is added to a sum, which outweighs it.

    ## What it does
    Looks at the sum that a loss is, in torch's graph: at a loss of torch that is a mean over all
    elements of its input, and beside it a divergence (a formula with a logarithm or an exponential)
    that is summed over the same batch, perhaps divided by its size, with nothing else to weigh
    them. Then it looks at what became of them.

    ## Why it matters
    A mean over 784 pixels and 64 images divides by 50,176, the sum by 1 or 64. Whatever the sum
    asks for is done first and wholly: a VAE's code becomes noise that says nothing of its image
    (posterior collapse), and the decoder learns the mean image.

    ## Evidence
    Heuristic. How the terms are weighed is read in the graph. At the end the summed part of the
    loss is less than a twentieth of the mean, from which it fell, and the mean falls no more.

    ## Known exceptions
    Silent: terms that are both sums or both means; sums that are multiplied by a weight; sums of
    penalties on size or range; a summed part that is still worth something,
    since then the mean is not outweighed; a mean that still falls.

    ## Example
    `F.mse_loss(x_hat, x) - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())`.

    ## What to try
    Sum both (`reduction="sum"`) and divide both by the batch.

    ## References
    Kingma and Welling: Auto-Encoding Variational Bayes, 2014, equation 10 (both are sums); Lucas et
    al.: Don't Blame the ELBO!, 2019 (collapse by the weight of the reconstruction).
    """

    name = "loss-terms-unbalanced"
    family = "loss"
    severity = "warning"
    tier = "heuristic"
    by_hand = "how much each term is to weigh is the script's to say"
    needs = ("loss_call_value", "loss")
    reads = ("mean_beside_sum", "loss_call_value", "loss")
    requires = (OneOptimizer(), Samples(("loss_call_value",)))
    limits = {
        "worth": Limit(0.05, "of the mean beside it", "ours: a batch's sum is then worth nothing"),
        "stands": Limit(0.95, "of the mean in the second quarter", "ours: it falls no more"),
        "weighs": Limit(16, "times", "ours: the number of elements that the mean divides by"),
        "steps": Limit(50, "steps", "ours: a term that is to be brought to 0 takes a while"),
        "samples": Limit(8, "samples", "ours: a median of a quarter of fewer is one number"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each mean whose sum came to nothing."""
        for training in self.judgeable(run):
            for event in run.events(MEAN_BESIDE_SUM):
                weighs = prod(event.data["shape"]) // event.data["divided"]
                if weighs < self.limit("weighs") or training.steps < self.limit("steps"):
                    continue
                if (ends := self._worth(training, event.data["place"])) is not None:
                    yield self._finding(training, event, weighs, *ends)

    def _worth(self, training: Training, place: str) -> tuple[float, float, float] | None:
        """Returns what the summed part came to at the end, the mean beside it, the sum at first.

        None where either is still worth something.
        """
        whole = training.series("loss")
        pairs = [
            (loss - value, value)
            for step, value in training.series("loss_call_value", place)
            if isfinite(value) and isfinite(loss := whole.at(step))
        ]
        if len(pairs) < self.limit("samples"):
            return None
        quarter = len(pairs) // 4
        rest, mean = (median(values) for values in zip(*pairs[-quarter:], strict=True))
        before = median(value for _, value in pairs[quarter : 2 * quarter])
        nothing = abs(rest) < self.limit("worth") * abs(mean) <= pairs[0][0]
        stands = mean >= self.limit("stands") * before
        return (rest, mean, pairs[0][0]) if nothing and stands else None

    def _finding(
        self,
        training: Training,
        event: Event[MeanBesideSum],
        weighs: int,
        rest: float,
        mean: float,
        first: float,
    ) -> Finding:
        data = event.data
        steps = training.series("loss_call_value", data["place"]).steps
        beside = (
            f"a plain sum over {prod(data['summed']):,}"
            if data["divided"] == 1
            else f"a sum over {prod(data['summed'][1:]):,} for each of {data['divided']:,} samples"
        )
        return self.found(
            f"{data['place']} is a mean over {prod(data['shape']):,} elements and stands beside "
            f"{beside}: the rest of the loss went from {first:.3g} to "
            f"{rest:.3g}, and the mean ended at {mean:.3g}",
            "the sum outweighs the mean by the number of its elements, and is satisfied first: "
            "where it is a KL divergence, the code says nothing of its input any more",
            try_=(
                'sum both (reduction="sum") and divide both by the batch',
                f"or weigh the sum: divide it by {weighs:,} more",
            ),
            where=Where(site=Site.read(data["line"]) or event.site),
            steps=(steps[0], steps[-1]),
            evidence=(
                Evidence("loss", rest / mean if mean else rest, self.limit("worth"),
                         "of the mean beside it", samples=len(steps)),
            ),
            training=training,
            began=(0, event.step),
        )  # fmt: skip
