"""The check `straggler`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.events import LOADER
from ...journal.view import RunView
from ...signals.ranks import Ranks, named, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import not_compared

PARTS = {
    "data_wait_s": "waiting for its DataLoader",
    "forward_s": "in its forward pass",
    "elsewhere_s": "between its parts (logging, saving, data by hand)",
    "step_s": "in its optimizer",
}
"""Parts of a step that no other rank has a share in, and how each is called."""


class Straggler(Check):
    """One rank needs longer for its part of each step, and all others wait for it.

    ## What it does
    Adds up what each rank needs by itself in the same sampled steps: the wait for its data, its
    forward pass, its optimizer, and what lies between. What it spends in `backward()` is left out,
    since ranks wait for each other there.

    ## Why it matters
    Ranks that average their gradients are as fast as the slowest of them: with one that takes twice
    as long, half of all other devices is idle.

    ## Evidence
    Heuristic: in eight of ten steps the same rank was the last, and by the median it needed a fifth
    of a whole step, and 20 ms, more than the others, who spent as much longer in `backward()`.

    ## Known exceptions
    Silent: ranks that are slow in turn, as with batches of unequal length; models on an accelerator
    but for the wait for data, since calls return there before the work is done.

    ## Example
    Rank 0 writes pictures to a log in each step; the data of one node lie on a slow disk.

    ## What to try
    Let a slow rank do the same as the others: log more rarely or in the background, give all
    ranks as many workers, deal long samples out evenly.

    ## References
    Li et al.: PyTorch Distributed, 2020, section 5.3; Lin et al.: Understanding Stragglers in Large
    Model Training, 2025.
    """

    name = "straggler"
    family = "distributed"
    severity = "warning"
    tier = "heuristic"
    status = "preview"
    by_hand = "what one rank does besides the others stands in the script, or is the machine"
    needs = ("grad_fingerprint", "replicated", "time_s")
    reads = (
        "grad_fingerprint",
        "grad_norm",
        "replicated",
        "time_s",
        "backward_s",
        "data_wait_s",
        "forward_s",
        "elsewhere_s",
        "step_s",
        "loader",
    )
    requires = (That(not_compared),)
    limits = {
        "samples": Limit(16, "steps", "as for loader-starves"),
        "steady": Limit(0.8, "of the steps", "ours: chance alone gives two ranks a half"),
        "share": Limit(0.2, "of a step", "ours: a fifth of all other devices"),
        "seconds": Limit(0.02, "s", "as for loader-starves"),
        "waits": Limit(0.5, "of it", "ours: others wait for what is lost, give or take half"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            own = _own(ranks) if wrapped(run, ranks) is not None else {}
            step_s = _step_s(ranks)
            if len(own) < self.limit("samples") or not step_s:
                continue
            last = [max(range(len(row)), key=row.__getitem__) for row in own.values()]
            slow = max(set(last), key=last.count)
            lost = median(row[slow] - _of_others(row, slow) for row in own.values())
            steady = last.count(slow) >= self.limit("steady") * len(last)
            least = max(self.limit("share") * step_s, self.limit("seconds"))
            if not steady or not lost >= least or not self._others_wait(ranks, slow, lost):
                continue
            part, more = max(
                ((part, _more(ranks, part, slow)) for part in PARTS), key=lambda pair: pair[1]
            )
            training = ranks.trainings[slow]
            loaders = [e for e in run.events(LOADER) if e.process == training.process]
            sites = (e.site for e in loaders if e.data["grad"] and part == "data_wait_s")
            yield self.found(
                f"{named([training.rank])} needed {lost * 1e3:.0f} ms more than the others in each "
                f"step of {step_s * 1e3:.0f} ms (medians of {len(own)} steps), "
                f"the largest part of it {PARTS[part]}",
                "the other ranks wait for it in their backward passes",
                try_=("let it do in each step what the others do, and no more",),
                where=Where(site=next(sites, training.step_site)),
                steps=(min(own), max(own)),
                evidence=(Evidence(part, more, least, "s more than the others"),),
                training=training,
            )

    def _others_wait(self, ranks: Ranks, slow: int, lost: float) -> bool:
        """Whether others spend as much longer in backward(); true where that is not measured."""
        rows = [row for _, row in ranks.common("backward_s")]
        waited = [_of_others(row, slow) - row[slow] for row in rows]
        return not waited or median(waited) >= self.limit("waits") * lost


def _own(ranks: Ranks) -> dict[int, tuple[float, ...]]:
    """Returns, by step, the seconds that each rank needed by itself; of steps that all measured."""
    parts = [row for part in PARTS if (row := dict(ranks.common(part)))]
    steps = set.intersection(*map(set, parts)) if parts else set()
    return {
        step: tuple(map(sum, zip(*(part[step] for part in parts), strict=True)))
        for step in sorted(steps)
    }


def _of_others(row: tuple[float, ...], slow: int) -> float:
    return median(value for place, value in enumerate(row) if place != slow)


def _more(ranks: Ranks, part: str, slow: int) -> float:
    """Returns how much longer a rank took in a part than the others, by the median."""
    rows = [row for _, row in ranks.common(part)]
    return median([row[slow] - _of_others(row, slow) for row in rows] or [0.0])


def _step_s(ranks: Ranks) -> float:
    """Returns the seconds of a whole step, on the rank where they are most."""
    times = [training.series("time_s") for training in ranks.trainings]
    spans = (
        (s.values[-1] - s.values[0]) / (s.steps[-1] - s.steps[0]) for s in times if s.steps[1:]
    )
    return max(spans, default=0.0)
