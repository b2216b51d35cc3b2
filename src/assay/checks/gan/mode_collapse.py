"""The check `mode-collapse`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.view import RunView
from ...signals.players import Pair, pairs, site
from ..base import Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class ModeCollapse(OfPlayers):
    """The generator makes nearly the same of every noise, while the data differ.

    ## What it does
    On sampled steps assay takes how far the rows of the batches that are judged lie apart: the
    deviation of each number over the rows, averaged. It compares generated batches with the others,
    over the last half of the run.

    ## Why it matters
    The generator has found one sample that its judge lets pass. The judge learns to refuse it, the
    generator moves on to another one, and neither gets anywhere.

    ## Evidence
    Heuristic: `judged_spread` of generated batches, over that of the data.

    ## Known exceptions
    Silent: the first 150 steps of the generator, since one that was just initialised makes nearly
    the same of everything; data whose rows are alike. A generator that leaves out some of several
    kinds of data, and makes the others, is not found.

    ## Example
    A generator with twenty times the rate of its judge.

    ## What to try
    A lower rate for the generator than for its judge, a bound on the judge's slope (gradient
    penalty, spectral norm), noise on what is judged, larger batches.

    ## References
    Salimans et al., "Improved techniques for training GANs", 2016, section 3.2; Heusel et al.,
    "GANs trained by a two time-scale update rule", 2017.
    """

    name = "mode-collapse"
    family = "gan"
    severity = "warning"
    tier = "heuristic"
    status = "preview"
    by_hand = "which of several bounds on the judge helps is found by trying"
    is_effect = (Effect.COLLAPSED,)
    reads = ("turn", "judged_spread")
    limits = {
        "steps": Limit(150, "steps", "ours: what was just initialised spreads little"),
        "samples": Limit(4, "samples", "ours: of the last half"),
        "ratio": Limit(0.1, "of the data's", "ours: right GANs of tests/ have 0.13 and more"),
        "share": Limit(0.75, "of the samples", "ours: players that circle differ for a while"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for pair in pairs(run):
            for training in pair.holders(run, pair.generator)[:1]:
                on = (pair.place("detached"), pair.place("attached"))
                made, data = (
                    self._late(run, pair, places) for places in (on, (pair.place("data"),))
                )
                least = self.limit("samples")
                if training.steps < self.limit("steps") or min(len(made), len(data)) < least:
                    continue
                usual = median(data) or 1.0
                ratio = median(made) / usual
                alike = sum(value < self.limit("ratio") * usual for value in made)
                if alike < self.limit("share") * len(made):
                    continue
                call = next(c for _, _, c in pair.calls(detached=False))
                yield self.found(
                    f"what {pair.generator} made differed from row to row by {ratio:.1%} of what "
                    f"the data differ by, in the last half of {training.steps} steps",
                    "the generator makes nearly the same of every noise",
                    try_=(
                        "lower the generator's rate, or raise the judge's",
                        "bound the judge's slope by a gradient penalty or spectral norm",
                    ),
                    where=Where(site=site(call)),
                    steps=(training.steps // 2, training.steps - 1),
                    evidence=(
                        Evidence("judged_spread", ratio, self.limit("ratio"), "of the data's"),
                    ),
                    training=training,
                )

    @staticmethod
    def _late(run: RunView, pair: Pair, places: tuple[str, ...]) -> list[float]:
        """Returns the spreads of the last half of each training of the pair's process."""
        own = [t for t in run.trainings if t.process == pair.process and t.steps]
        return [
            value
            for training in own
            for place in places
            for step, value in training.series("judged_spread", place).finite()
            if 2 * step >= training.steps
        ]
