"""The check `unseeded`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import SEED
from ...journal.view import RunView
from ..base import Check
from ..finding import Evidence, Finding, Where


class Unseeded(Check):
    """Other random generators are seeded, and torch's is not: the run can't be repeated.

    ## What it does
    Looks at which generators were seeded, by the script or by a library. Who seeds `random` or
    numpy wants the same run again; weights, dropout and the order of a DataLoader are drawn from
    torch's generator.

    ## Why it matters
    A difference between two runs may be nothing but chance, and a fault that one run had can't be
    looked for in the next.

    ## Evidence
    Exact, a note: the calls of seed functions that were seen.

    ## Known exceptions
    Silent where torch is seeded, whatever else is not. Not judged where nothing is seeded: then
    nobody asked for the same run. Generators that the script makes itself are not seen: with
    nothing drawn from the common one the note is void.

    ## Example
    `random.seed(0)` and `np.random.seed(0)` at the top, and no `torch.manual_seed(0)`.

    ## What to try
    `torch.manual_seed(0)` before the model is built; in a comparison several seeds of each.

    ## References
    PyTorch documentation, "Reproducibility".
    """

    name = "unseeded"
    family = "reproducibility"
    severity = "note"
    tier = "exact"
    by_hand = "a seed makes runs repeatable and none of them better"
    needs = ("seed",)
    reads = ("loss", "seed")

    def review(self, run: RunView) -> Iterator[Finding]:
        events = list(run.events(SEED))
        kinds = list(dict.fromkeys(str(event.data["of"]) for event in events))
        if not kinds or "torch" in kinds:
            return
        last = max((s for t in run.trainings for s in t.series("loss").steps), default=0)
        were = "were" if len(kinds) > 1 else "was"
        yield self.found(
            f"{' and '.join(kinds)} {were} seeded, torch was not: weights, dropout and the order "
            "of samples are others in each run",
            "a difference between two runs may be chance, and no run can be repeated",
            try_=("torch.manual_seed(0) before the model is built",),
            steps=(0, last),
            where=Where(site=events[-1].site),
            evidence=(Evidence("seeds of torch", 0.0, 1.0, "calls"),),
            process=events[-1].process,
        )
