"""The check `saved-in-the-middle`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...journal.events import SAVED, Saved
from ...journal.view import Event, RunView
from ...signals.ranks import named
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class SavedInTheMiddle(Check):
    """Ranks write their parts of one checkpoint at different steps: together they are of none.

    ## What it does
    Pairs the files that ranks write by `torch.save` under names that differ in nothing but the
    rank, the first of each with the first of the others, the second with the second, and compares
    the steps.

    ## Why it matters
    Whoever resumes from such files gives one rank the weights, the optimizer's state or the random
    state of another step than the others. Nothing fails; the run goes on from a state that never
    was.

    ## Evidence
    Exact: the n-th file of one rank was written at another step than that of another.

    ## Known exceptions
    Silent: ranks that don't train one model together (no DistributedDataParallel, no shards), names
    that have the step in them, `torch.distributed.checkpoint`.

    ## Example
    `if loss < best: torch.save(state, f"best-{rank}.pt")`, with each rank's own loss.

    ## What to try
    Let all ranks decide alike: by the step, or by a number that they share (`dist.all_reduce`);
    `torch.distributed.checkpoint` for shards.

    ## References
    PyTorch documentation, `torch.distributed.checkpoint`: a save is a collective call.
    """

    name = "saved-in-the-middle"
    family = "distributed"
    severity = "warning"
    tier = "exact"
    by_hand = "when ranks are to write is the script's to say"
    needs = ("saved",)
    reads = ("saved", "replicated", "sharded")
    limits = {"steps": Limit(1, "steps", "definition: one step is another state")}

    def review(self, run: RunView) -> Iterator[Finding]:
        together = {event.process for event in run.events("replicated")}
        together |= {event.process for event in run.events("sharded")}
        known = run.facts.get("processes") or []
        saved: dict[int, list[Event[Saved]]] = {}
        last = {int(process.get("rank") or 0): number for number, process in enumerate(known)}
        for event in run.events(SAVED):
            if event.process in together and event.process < len(known):
                rank = int(known[event.process].get("rank") or 0)
                if event.process == last[rank]:  # after a restart a rank is another process
                    saved.setdefault(rank, []).append(event)
        if len(saved) < 2:
            return
        lowest = min(saved)
        for path in dict.fromkeys(event.data["path"] for event in saved[lowest]):
            parts = {
                rank: [e for e in events if _is_part((path, lowest), (e.data["path"], rank))]
                for rank, events in saved.items()
            }
            parts = {rank: events for rank, events in parts.items() if events}
            for row in zip(*parts.values(), strict=False):
                if max(e.step for e in row) - min(e.step for e in row) >= self.limit("steps"):
                    yield self._finding(dict(zip(parts, row, strict=True)))
                    break

    def _finding(self, row: dict[int, Event[Saved]]) -> Finding:
        first, last = (pick(row, key=lambda rank: row[rank].step) for pick in (min, max))
        steps = row[first].step, row[last].step
        names = (row[rank].data["path"].rsplit("/", 1)[-1] for rank in (first, last))
        return self.found(
            f"{named([first])} wrote {next(names)} at step {steps[0]:,} and {named([last])} "
            f"{next(names)} at step {steps[1]:,}",
            "whoever resumes from them gives each rank the state of another step",
            try_=("let all ranks write at the same step, by a number that they share",),
            where=Where(site=row[first].site),
            steps=steps,
            evidence=(Evidence("saved", steps[1] - steps[0], 0, "steps apart"),),
            process=row[first].process,
            processes=tuple(sorted(event.process for event in row.values())),
        )


def _is_part(one: tuple[str, int], other: tuple[str, int]) -> bool:
    """Whether two paths, each of a rank, differ in nothing but that, once a folder at most."""
    if one == other:
        return True
    folders = [path.split("/") for path, _ in (one, other)]
    if len(folders[0]) != len(folders[1]):
        return False
    for pair in zip(*folders, strict=True):
        left, right = (re.split(r"(\d+)", name) for name in pair)
        differing = [ab for ab in zip(left, right, strict=False) if ab[0] != ab[1]]
        if len(left) != len(right) or len(differing) > 1:
            return False
        if any(
            not (a.isdigit() and b.isdigit() and (int(a), int(b)) == (one[1], other[1]))
            for a, b in differing
        ):
            return False
    return one[0] != other[0]
