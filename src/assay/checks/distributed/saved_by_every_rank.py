"""The check `saved-by-every-rank`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import SAVED, Saved
from ...journal.view import Event, RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class SavedByEveryRank(Check):
    """Several ranks of one machine write the same file at the same step.

    ## What it does
    Notes the path of each file that `torch.save` writes on a run of several ranks, and compares
    paths and steps between the ranks of one node.

    ## Why it matters
    Two processes that write one file at a time leave a mixture of both: a checkpoint that can't be
    read, or that is read and is wrong. Where it goes well the file was written as often as there
    are ranks.

    ## Evidence
    Exact: the same path, at the same step, from two processes or more.

    ## Known exceptions
    Files with the rank in their name, `torch.distributed.checkpoint`, nodes with disks of their
    own, ranks that write one file at different steps.

    ## Example
    `torch.save(model.state_dict(), "last.pt")` with no `if rank == 0:` before it.

    ## What to try
    `if dist.get_rank() == 0:` around it; whoever loads the file soon after waits at a
    `dist.barrier()`.

    ## References
    PyTorch tutorial, Getting Started with Distributed Data Parallel, section "Save and Load
    Checkpoints".
    """

    name = "saved-by-every-rank"
    family = "distributed"
    severity = "warning"
    tier = "exact"
    by_hand = "which rank is to write is the script's to say"
    needs = ("saved",)
    reads = ("saved",)
    limits = {"ranks": Limit(2, "ranks", "definition: one alone disturbs nobody")}

    def review(self, run: RunView) -> Iterator[Finding]:
        known = run.facts.get("processes") or []

        def rank(event: Event[Saved]) -> object:
            """Returns it, since a restart gives a rank another process."""
            found = known[event.process] if event.process < len(known) else {}
            return found.get("rank", event.process)

        writers: dict[tuple[str, int, object], list[Event[Saved]]] = {}
        for event in run.events(SAVED):
            node = known[event.process].get("node") if event.process < len(known) else None
            writers.setdefault((event.data["path"], event.step, node), []).append(event)
        shared = [row for row in writers.values() if len({*map(rank, row)}) >= self.limit("ranks")]
        if not shared:
            return
        row = shared[0]
        processes = tuple(sorted({event.process for event in row}))
        name = row[0].data["path"].rsplit("/", 1)[-1]
        yield self.found(
            f"{len(processes)} ranks wrote {name} at the same step"
            + (f", and so {len(shared)} times" if shared[1:] else f", {row[0].step:,}"),
            "processes that write one file at a time can leave a mixture of both",
            try_=("let rank 0 alone write it: if dist.get_rank() == 0:",),
            where=Where(site=row[0].site),
            steps=(row[0].step, shared[-1][0].step),
            evidence=(Evidence("saved", len(processes), 1, "ranks, one file"),),
            process=row[0].process,
            processes=processes,
        )
