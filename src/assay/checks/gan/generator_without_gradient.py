"""The check `generator-without-gradient`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.players import cut_generators, site, steps_in
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class GeneratorWithoutGradient(OfPlayers):
    """The generator's own loss judges a batch that was detached: no gradient reaches the generator.

    ## What it does
    Assay follows what the judge is given to the network that made it. It reports a generator whose
    optimizer steps, where the judge was never given a batch with its graph in any loss, and no
    weight of the generator had a gradient at any step.

    ## Why it matters
    The generator stays as it was initialised. Nothing fails, since the judge still has a graph, and
    the judge wins within a few steps.

    ## Evidence
    Exact: all ways in which networks met in a loss (`turn` events), and whose weights had gradients
    when they were stepped.

    ## Known exceptions
    Silent: generators that learn from another loss; generators whose weights are frozen; batches
    that are detached for the judge's own loss, as they should be.

    ## Example
    `g_loss = bce(D(fake.detach()), ones)`.

    ## What to try
    Detach in the judge's loss alone, and give the generator's loss the batch as it is.

    ## References
    Goodfellow et al., "Generative Adversarial Nets", 2014, algorithm 1.
    """

    name = "generator-without-gradient"
    family = "gan"
    severity = "error"
    tier = "exact"
    by_hand = "which of two losses is given the detached batch is a word in the script"
    reads = ("turn",)
    limits = {"steps": Limit(8, "steps", "ours: a generator may wait until its judge has learnt")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for pair, training in cut_generators(run, int(self.limit("steps"))):
            calls = [c for turn, _, c in pair.calls() if steps_in(turn, training)]
            call = calls[-1]
            yield self.found(
                f"{training.optimizer} stepped {pair.generator} {training.steps} times without a "
                f"gradient: what {pair.judge} judged of it had been cut from its graph in every "
                "loss",
                "the generator stays as it was initialised, and its judge soon wins",
                try_=(
                    "give the judge the batch as it is in the generator's loss; detach it, or make "
                    "it without gradients, only for the judge's own loss",
                ),
                where=Where(site=site(call)),
                steps=(0, training.steps - 1),
                evidence=(Evidence("turn", 0, 1, "gradients", place=pair.generator),),
                training=training,
            )
