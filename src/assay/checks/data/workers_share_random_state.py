"""The check `workers-share-random-state`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import LOADER
from ...journal.view import RunView, Site, Training, Worker
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That


def _not_told(check: Check, run: RunView, training: Training) -> str | None:
    """Says that a DataLoader had workers that wrote nothing down."""
    several = any(event.data["workers"] > 1 for event in run.events(LOADER))
    return "the workers of a DataLoader wrote nothing" if several and not run.workers else None


class WorkersShareRandomState(Check):
    """Worker processes of a DataLoader draw the same random numbers.

    ## What it does
    Each worker writes down its random states before its first sample: of `random`, numpy and torch,
    and of generators that the data set holds. Assay compares them, and looks whether the data set
    mentions them where it makes a sample.

    ## Why it matters
    All workers crop, flip and add noise alike: the batches are augmented in as many ways less as
    there are workers, and noise is the same in all of them.

    ## Evidence
    Exact: the states of two workers that were started together were equal.

    ## Known exceptions
    Data sets that are iterated may have to share a state, to agree on an order. A generator that
    the data set does not mention in `__getitem__`, or in what that calls, is left alone.

    ## Example
    `self.rng = np.random.default_rng(0)` in `__init__` of the data set, drawn from in
    `__getitem__`: each worker has a copy. Or a `worker_init_fn` that seeds all alike.

    ## What to try
    Make the generator in `worker_init_fn`, from `torch.initial_seed()`, which differs between
    workers; or draw from torch's own, which torch seeds for each.

    ## References
    PyTorch documentation, "Randomness in multi-process data loading"; Thys: Using PyTorch + NumPy?
    You're making a mistake, 2021.
    """

    name = "workers-share-random-state"
    family = "data"
    severity = "warning"
    tier = "exact"
    by_hand = "the generator lives in the data set's own code, in other processes"
    needs = ("loader",)
    reads = ("loader",)
    requires = (That(_not_told),)
    limits = {"workers": Limit(2, "workers", "definition: one shares with nobody")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for _ in self.judgeable(run):
            shared: dict[str, int] = {}
            for group in _groups(run):
                for name in sorted(frozenset.intersection(*(w.drawn for w in group))):
                    states = {worker.states.get(name) for worker in group}
                    if len(group) >= self.limit("workers") and len(states) == 1:
                        shared[name] = max(shared.get(name, 0), len(group))
            if shared:
                name, count = next(iter(shared.items()))
                of = f"the generator `{name}`" if name.startswith("dataset.") else f"`{name}`"
                yield self.found(
                    f"all {count} workers of a DataLoader began with the same state of {of}, "
                    "which the data set draws from",
                    "all workers make the same random choices: augmentation repeats itself",
                    try_=(
                        "make the generator in worker_init_fn, from torch.initial_seed()",
                        "draw from torch's own generator, which differs between workers",
                    ),
                    where=Where(site=_site(run)),
                    evidence=(Evidence("loader", 1, count, "different states"),),
                )
            return


def _groups(run: RunView) -> list[list[Worker]]:
    """Returns the workers that were started together."""
    groups: dict[tuple[int, int], list[Worker]] = {}
    for worker in run.workers:
        groups.setdefault(worker.group, []).append(worker)
    return list(groups.values())


def _site(run: RunView) -> Site | None:
    for event in run.events(LOADER):
        if event.data["workers"] > 1:
            return Site.read(event.data["built"]) or event.site
    return None
