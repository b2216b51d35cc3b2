"""The check `discriminator-not-stepped`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.players import idle_judges, site
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class DiscriminatorNotStepped(OfPlayers):
    """The network that judges gets gradients of its own loss, but no step moves it.

    ## What it does
    Assay follows what each network is given to the network that made it. One that is trained on
    what another has made, and on something else, is a judge. It is reported if a loss of its own
    leaves gradients in its weights, optimizers step, and none of them holds it.

    ## Why it matters
    The generator learns to please a judge with random weights. Its loss falls fast, which looks
    like success, and what it makes has nothing to do with the data.

    ## Evidence
    Exact. `turn` events say whose weights each step held; `judge_weight_norm` is the norm of the
    judge's weights, the same at each sampled step.

    ## Known exceptions
    Silent: frozen judges and judges in a loss of distances (features of a trained network), whose
    weights want no gradient; a judge that waits for its first step while fewer than 8 steps are
    seen; judges that are called only within another module.

    ## Example
    `opt_d = Adam(generator.parameters())`, or a loop that forgets `opt_d.step()`.

    ## What to try
    Build an optimizer of the judge's own parameters, and call its `step()` after the judge's loss.

    ## References
    Goodfellow et al., "Generative Adversarial Nets", 2014, algorithm 1.
    """

    name = "discriminator-not-stepped"
    family = "gan"
    severity = "error"
    tier = "exact"
    by_hand = "the step that is missing is a line of the loop"
    reads = ("turn", "judge_weight_norm")
    limits = {"samples": Limit(8, "samples", "ours: a judge may join some steps later")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for pair, weights in idle_judges(run, int(self.limit("samples"))):
            own = list(pair.calls(detached=True))
            _, one, _ = own[0]
            yield self.found(
                f"{pair.judge} judged what {pair.generator} made and got gradients of its own "
                f"loss, but no optimizer that stepped holds it: its weights had the same norm of "
                f"{weights.last:.4g} at {len(weights)} sampled steps",
                "the generator learns to please a judge that has learnt nothing",
                try_=(
                    "give the judge's parameters to an optimizer of their own, and call its step() "
                    "after this backward pass",
                ),
                where=Where(site=site(one)),
                steps=(weights.steps[0], weights.steps[-1]),
                evidence=(Evidence("judge_weight_norm", weights.last, place=pair.judge, unit="1"),),
                process=pair.process,
            )
