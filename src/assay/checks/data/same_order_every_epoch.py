"""The check `same-order-every-epoch`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import SEED, Epoch, Loader
from ...journal.view import Event, RunView, Site, Training
from ...signals.orders import whole_epochs
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That, too_few

SHUFFLING = ("RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler")


def _too_few_epochs(check: Check, run: RunView, training: Training) -> str | None:
    """Says that no DataLoader that shuffles went through its data often enough."""
    most = max((len(row) for _, row in _runs(run, check)), default=0)
    return too_few(most, check.limit("epochs"), "whole epochs of one DataLoader that shuffles")


class SameOrderEveryEpoch(Check):
    """A DataLoader that shuffles draws its samples in the same order in each epoch.

    ## What it does
    From the indices of the first batches of each epoch assay makes a number that is equal for equal
    orders, for loaders whose sampler draws at random.

    ## Why it matters
    The same samples meet in the same batches each time, and the last ones always have the last
    word. Gradient noise no longer averages out over epochs.

    ## Evidence
    Exact: at least three epochs of one training in a row had the same order, and none another.

    ## Known exceptions
    Loaders that read in the data set's own order, a sampler class of the script's own (sorted by
    length, a curriculum), a new training on the same seed, and very small data sets. A
    DistributedSampler has a check of its own, `sampler-epoch-not-set`.

    ## Example
    `torch.manual_seed(0)` inside the loop over epochs; a generator that is seeded anew for each
    DataLoader.

    ## What to try
    Seed once, before the loop.

    ## References
    Bottou: Curiously Fast Convergence of some Stochastic Gradient Descent Algorithms, 2009
    (shuffling anew in each epoch).
    """

    name = "same-order-every-epoch"
    family = "data"
    severity = "warning"
    tier = "exact"
    by_hand = (
        "the script seeds the order anew each epoch, and a trick that shuffles is seeded with it"
    )
    needs = ("epoch",)
    reads = ("epoch", "loader", "seed")
    requires = (That(_too_few_epochs),)
    limits = {
        "epochs": Limit(3, "epochs", "ours: two may be a warm-up and a start"),
        "draws": Limit(8, "samples", "arithmetic: by chance once in 8! orders"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for _ in self.judgeable(run):
            for loader, row in _runs(run, self):
                orders = {event.data["order"] for event in row}
                if len(row) < self.limit("epochs") or len(orders) > 1:
                    continue
                seeded = _seeded(run, row)
                reason = (
                    "a random generator was seeded with the same number between them"
                    if seeded
                    else "its generator began anew each time"
                )
                yield self.found(
                    f"{len(row)} epochs of the DataLoader drew {row[0].data['draws']:,} samples in "
                    f"the same order by {loader.data['sampler']}: {reason}",
                    "the same samples meet in the same batches each time: shuffling has no effect",
                    try_=("seed once, before the loop over epochs",),
                    where=Where(site=seeded or Site.read(loader.data["built"]) or loader.site),
                    steps=(row[0].step, row[-1].step),
                    evidence=(
                        Evidence("epoch", len(row), self.limit("epochs"), "epochs of one order"),
                    ),
                    process=loader.process,
                )
            return


def _runs(run: RunView, check: Check) -> Iterator[tuple[Event[Loader], list[Event[Epoch]]]]:
    return whole_epochs(run, SHUFFLING, check.limit("draws"))


def _seeded(run: RunView, row: list[Event[Epoch]]) -> Site | None:
    """Returns the line that seeded torch with one number in each of these epochs."""
    found: dict[tuple[str, int], set[object]] = {}
    counts: dict[tuple[str, int], int] = {}
    for event in run.events(SEED):
        if event.site is None or event.data["of"] != "torch" or event.step > row[-1].step:
            continue
        key = event.site.file, event.site.line
        found.setdefault(key, set()).add(event.data["value"])
        counts[key] = counts.get(key, 0) + 1
        if counts[key] >= min(len(row) - 1, 3) and len(found[key]) == 1:
            return event.site
    return None
