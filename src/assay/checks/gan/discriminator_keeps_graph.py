"""The check `discriminator-keeps-graph`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.players import leaks, site
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class DiscriminatorKeepsGraph(OfPlayers):
    """The judge's own loss goes through the generator: the batch that it judges is not detached.

    ## What it does
    Assay follows what the judge is given to the network that made it, and notes whose weights each
    step holds. It reports a judge whose own step follows a loss that goes through the generator,
    and asks the judge for the opposite of what the generator's loss asks.

    ## Why it matters
    The backward pass computes the generator's gradients for nothing. Where they are not cleared
    before the generator's step, they are part of it, and pull it the wrong way.

    ## Evidence
    Exact. An error if the generator had gradients of before as its own backward pass began; a note
    if they were cleared, so that the fault costs time and memory alone.

    ## Known exceptions
    Silent: batches that are detached, or made without gradients; two losses of one pass through the
    generator whose steps follow both; networks that work together, such as encoder and decoder.

    ## Example
    `d_loss = bce(D(real), ones) + bce(D(fake), zeros)`, without `.detach()`.

    ## What to try
    `D(fake.detach())` in the judge's loss; `zero_grad()` right before each `backward()`.

    ## References
    PyTorch tutorial "DCGAN", part "Train the Discriminator".
    """

    name = "discriminator-keeps-graph"
    family = "gan"
    severity = "error"
    tier = "exact"
    by_hand = "the batch is detached by a word in the script"
    reads = ("turn", "judge_asks", "judge_target")
    limits = {"samples": Limit(6, "samples", "ours: as many as show what a loss asks for")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for leak in leaks(run, int(self.limit("samples"))):
            pair = leak.pair
            signal, asked = pair.asked(run, pair.judge, "attached").numbers
            what = (
                "and the gradients that it left there were part of the generator's own step"
                if leak.left
                else "whose gradients were cleared before its own step"
            )
            yield self.found(
                f"the loss of {pair.judge}, before its own step, went through {pair.generator}, "
                f"{what}",
                "the generator is pulled towards what is easily told apart"
                if leak.left
                else "a backward pass through the generator costs time and memory for nothing",
                try_=("detach what the generator made before the judge's own loss is taken of it",),
                where=Where(site=site(leak.call)),
                steps=(asked.steps[0], asked.steps[-1]),
                evidence=(Evidence(signal, asked.last, place=pair.place("attached")),),
                severity="error" if leak.left else "note",
                training=next(iter(pair.holders(run, pair.generator)), None),
                process=pair.process,
            )
