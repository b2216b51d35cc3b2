"""The check `labels-swapped`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import NetCall
from ...journal.view import RunView
from ...signals.players import Asked, Pair, pairs, site
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class LabelsSwapped(OfPlayers):
    """The labels of one side are swapped: two losses that should pull apart ask for the same.

    ## What it does
    On sampled steps assay takes the slope of each loss at the judge's answers, which says whether
    they are to rise or to fall, and of a squared loss the answer that it is least at. It reports a
    judge whose own loss asks for the same answers to real and to generated batches, and a generator
    whose loss asks for what the judge's own loss asks for.

    ## Why it matters
    A judge that is to say the same of both learns nothing that tells them apart; a generator that
    helps its judge learns to be told apart.

    ## Evidence
    Exact. `judge_asks` is the sum of the slopes over the sum of their sizes: -1 where all answers
    are to rise, 1 where all are to fall; nine in ten samples have to agree. `judge_target` is the
    median of the answers that squared losses are least at.

    ## Known exceptions
    Silent: noisy and soft labels, the losses of WGAN, least squares and hinge, the saturating loss
    of the first paper, relativistic judges, and judges that answer with several classes: what their
    losses ask goes both ways. Labels that are swapped on all sides are right.

    ## Example
    `g_loss = bce(D(fake), zeros)`.

    ## What to try
    Three losses, two labels: real and generated batches differ for the judge, and the generator
    takes the one of real batches.

    ## References
    Goodfellow et al., "Generative Adversarial Nets", 2014, section 3.
    """

    name = "labels-swapped"
    family = "gan"
    severity = "error"
    tier = "exact"
    by_hand = "which label belongs to which loss is the script's to say"
    reads = ("turn", "judge_asks", "judge_target")
    limits = {"samples": Limit(6, "samples", "ours: noisy labels disagree in as many")}

    def review(self, run: RunView) -> Iterator[Finding]:
        seen = set()
        for pair in pairs(run):
            found = self._of_pair(run, pair)
            if found is not None and pair.judge not in seen:
                seen.add(pair.judge)
                yield found

    def _of_pair(self, run: RunView, pair: Pair) -> Finding | None:
        least = int(self.limit("samples"))
        real, fake, wanted = pair.sides(run)
        if fake.like(real, least):
            # the generator's own loss says which of the two was meant
            detached = [call for _, _, call in pair.calls(detached=True)]
            calls = list(pair.on_data()) if wanted.like(real, least) is False else detached
            said = (
                f"the loss of {pair.judge} asks for the same answers to what {pair.generator} made "
                "and to anything else"
            )
            return self._finding(pair, said, calls, fake, "detached")
        if fake.like(real, least) is False and wanted.like(fake, least):
            attached = [call for _, _, call in pair.calls(detached=False)]
            said = (
                f"the loss of {pair.generator} asks {pair.judge} for the same answers to what it "
                "made as the judge's own loss does"
            )
            return self._finding(pair, said, attached, wanted, "attached")
        return None

    def _finding(
        self, pair: Pair, said: str, calls: list[NetCall], asked: Asked, given: str
    ) -> Finding:
        signal, numbers = asked.numbers
        return self.found(
            f"{said}, at {len(numbers)} sampled steps",
            "nothing asks the judge to tell real from generated, or the generator to be taken for "
            "real",
            try_=(
                "give real batches one label and generated ones the other in the judge's loss, and "
                "generated ones the label of real batches in the generator's",
            ),
            where=Where(site=site(calls[-1])),
            steps=(numbers.steps[0], numbers.steps[-1]),
            evidence=(Evidence(signal, numbers.last, place=pair.place(given)),),
            process=pair.process,
        )
