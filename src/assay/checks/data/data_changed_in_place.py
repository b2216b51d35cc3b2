"""The check `data-changed-in-place`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import DATA_CHANGED, LOADER
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import That


def _workers(check: Check, run: RunView, training: Training) -> str | None:
    """Says that workers read the data, from copies of their own."""
    read = [event.data for event in run.events(LOADER) if event.data["grad"]]
    if read and all(data["workers"] for data in read):
        return "workers read the data, from copies of their own"
    return None


class DataChangedInPlace(Check):
    """A data set changes its own data as samples are read.

    ## What it does
    Before and after the first batch of each of the first eight passes of a DataLoader, assay
    compares the rows of the data set's arrays that were read, and whether what was handed out are
    the changed numbers.

    ## Why it matters
    What was normalised once is normalised again in each epoch: inputs shrink towards nothing, or
    noise piles up on them, and no two epochs see the same data.

    ## Evidence
    Exact: the numbers differ, in at least two passes.

    ## Known exceptions
    A cache that is filled when a sample is first read changes once. Arrays that are not handed out
    (counts, priorities) may change. Without a DataLoader, and with workers, nothing is seen.

    ## Example
    `x = self.data[i]; x -= self.mean; x /= self.std; return x`: `x` is a view of the data.

    ## What to try
    `x = (self.data[i] - self.mean) / self.std`, or `.clone()` (`.copy()`) first.

    ## References
    PyTorch documentation, "Tensor Views": writing into a view writes into its base.
    """

    name = "data-changed-in-place"
    family = "data"
    severity = "error"
    tier = "exact"
    by_hand = "which line makes the copy is the script's to say"
    needs = ("loader",)
    reads = ("loader", "data_changed")
    requires = (That(_workers),)
    leads_to = {
        Effect.EXPLODING: "what is scaled again in each epoch leaves the range that was learnt",
        Effect.RATE_TOO_HIGH: "inputs that grow in each epoch make every rate too high",
        Effect.NOT_LEARNING: "what was learnt of the data is not true of what they turn into",
    }
    limits = {"passes": Limit(2, "passes", "ours: a cache is filled once")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for _ in self.judgeable(run):
            names = dict.fromkeys(
                (e.process, e.data["dataset"], e.data["name"]) for e in run.events(DATA_CHANGED)
            )
            for process, dataset, name in names:
                found = [
                    e
                    for e in run.events(DATA_CHANGED)
                    if (e.process, e.data["dataset"], e.data["name"]) == (process, dataset, name)
                ]
                if len(found) < self.limit("passes"):
                    continue
                first, last = found[0].data, found[-1].data
                loaders = [e for e in run.events(LOADER) if e.data["grad"]]
                yield self.found(
                    f"reading changed `{dataset}.{name}` in {len(found)} passes: the numbers that "
                    f"were read had a mean size of {float(first['before']):.3g} in pass "
                    f"{first['passed']} and {float(last['after']):.3g} after pass {last['passed']}",
                    "what is done to a sample is done to it again in each epoch",
                    try_=("compute a new array in __getitem__, or copy the row first",),
                    where=Where(site=found[-1].site or _built(loaders[0].data["built"])),
                    steps=(found[0].step, found[-1].step),
                    evidence=(
                        Evidence("data_changed", len(found), self.limit("passes"), "passes"),
                    ),
                    process=process,
                )
            return


def _built(row: list[object] | None) -> Site | None:
    return Site.read(row)
