"""The check `both-players-share-optimizer`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.players import pairs, site
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class BothPlayersShareOptimizer(OfPlayers):
    """One optimizer holds judge and generator, and steps the judge by the generator's loss too.

    ## What it does
    Assay notes which networks each step holds, which of them have gradients, and through which the
    losses before it went. It reports a step that moves both players after a loss that goes through
    the judge into the generator, while the judge's weights wanted its gradient.

    ## Why it matters
    The generator's loss is lowered by a better generator or by a judge that lets everything pass.
    The judge is the easier of the two.

    ## Evidence
    Exact: whose weights one step held and moved, and the losses before it (`turn` events).

    ## Known exceptions
    Silent: an optimizer of both whose judge is frozen, or has its gradients cleared, after the
    generator's loss; networks that work together, whose losses do not ask for opposite answers; a
    layer between them that reverses gradients.

    ## Example
    `Adam([*generator.parameters(), *discriminator.parameters()])`.

    ## What to try
    An optimizer for each player, and `zero_grad()` before each backward pass.

    ## References
    Goodfellow et al., "Generative Adversarial Nets", 2014, algorithm 1: two updates in turn.
    """

    name = "both-players-share-optimizer"
    family = "gan"
    severity = "error"
    tier = "exact"
    by_hand = "which network an optimizer holds is said where it is built"
    reads = ("turn", "judge_asks", "judge_target")
    limits = {"samples": Limit(6, "samples", "ours: as many as show what a loss asks for")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for pair in pairs(run):
            both = [
                step["training"]
                for turn, step in pair.steps()
                if {pair.judge, pair.generator} <= {*step["moved"]}
                and any(call["wants"] for call in pair.in_turn(turn, detached=False))
            ]
            if not both or not pair.opposed(run, int(self.limit("samples"))):
                continue
            training = run.trainings[both[0]]
            _, one, _ = next(pair.calls(detached=False))
            yield self.found(
                f"{training.optimizer} moved both {pair.judge} and {pair.generator} by a loss "
                "that asks the judge for the opposite of what its own loss does",
                "the judge learns to let everything pass, which lowers the generator's loss",
                try_=("build one optimizer of each network's own parameters",),
                where=Where(site=training.site or site(one)),
                steps=(0, training.steps - 1),
                evidence=(Evidence("turn", 2, 1, "players of one step"),),
                training=training,
            )
