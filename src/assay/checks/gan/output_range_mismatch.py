"""The check `output-range-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.events import NetCall
from ...journal.view import RunView
from ...signals.players import Pair, pairs, site
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers

RANGES = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0)}
"""What the operation that a generator ends in can give."""


class OutputRangeMismatch(OfPlayers):
    """The generator ends in an activation whose range is not that of the data.

    ## What it does
    Assay compares what the generator ends in (`tanh` gives -1 to 1, a sigmoid 0 to 1) with the
    smallest and the largest number of the other batches that its judge is given.

    ## Why it matters
    What the generator can't make, its judge tells apart at a glance; what the data never have, it
    has to unlearn. Either way the judge learns the range and nothing else.

    ## Evidence
    Exact. `judged_min` and `judged_max` of the judge's batches, by the median over sampled steps,
    and the operation that made the generator's result.

    ## Known exceptions
    Silent: generators without such an activation; data that lie in a part of its range and have
    numbers of both signs; what reaches no further than the generator's own batches do.

    ## Example
    `nn.Tanh()` at the end, and pictures from `ToTensor()`, which lie in 0 to 1.

    ## What to try
    Bring the data to the range of the activation: `2 * x - 1`, or `Normalize(0.5, 0.5)`.

    ## References
    Radford, Metz, Chintala, "Unsupervised representation learning with deep convolutional
    generative adversarial networks", 2016, section 4: scaled to the range of tanh.
    """

    name = "output-range-mismatch"
    family = "gan"
    severity = "warning"
    tier = "exact"
    by_hand = "the range of the data is set where they are loaded"
    reads = ("turn", "judged_min", "judged_max")
    limits = {
        "samples": Limit(6, "samples", "ours: the least that shows a range and not one batch"),
        "beyond": Limit(0.05, "of the range", "ours: noise and rounding reach as far"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for pair in pairs(run):
            ends = {c["ends_in"] for c in self._made(pair)}
            activation = next(iter(ends)) if len(ends) == 1 else None
            if activation in RANGES:
                yield from self._compare(run, pair, str(activation))

    def _made(self, pair: Pair) -> list[NetCall]:
        calls = (c for t in pair.turns for one in t.data["passes"] for c in one["calls"])
        return [call for call in calls if call["net"] == pair.generator]

    def _compare(self, run: RunView, pair: Pair, activation: str) -> Iterator[Finding]:
        low, high = RANGES[activation]
        least, beyond = self.limit("samples"), self.limit("beyond") * (high - low)
        trainings = pair.holders(run, pair.judge)
        place, made = pair.place("data"), (pair.place("detached"), pair.place("attached"))
        lows = [v for t in trainings for v in t.series("judged_min", place).finite().values]
        highs = [v for t in trainings for v in t.series("judged_max", place).finite().values]
        if min(len(lows), len(highs)) < least:
            return
        tops = [v for t in run.trainings for p in made for v in t.series("judged_max", p).values]
        bottoms = [v for t in run.trainings for p in made for v in t.series("judged_min", p).values]
        begin, end = median(lows), median(highs)
        above = end > max(high, *tops) + beyond
        below = begin < min(low, *bottoms) - beyond
        half = low < 0 <= min(lows) and min(bottoms, default=0.0) < -beyond
        if not (above or below or half):
            return
        word = activation.lower()
        yield self.found(
            f"{pair.generator} ends in a {word}, which gives {low:g} to {high:g}, and the data "
            f"that {pair.judge} compares it with lie in {begin:.3g} to {end:.3g}",
            "its judge tells them apart by their range and need not learn anything else",
            try_=(
                f"bring the data to {low:g} to {high:g} where they are loaded"
                + (" (2 * x - 1 for pictures of 0 to 1)" if half else ""),
            ),
            where=Where(site=site(next(pair.on_data()))),
            steps=(0, max(t.steps for t in trainings) - 1),
            evidence=(
                Evidence("judged_min", begin, low, place=place),
                Evidence("judged_max", end, high, place=place),
            ),
            process=pair.process,
        )
