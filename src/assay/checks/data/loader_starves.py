"""The check `loader-starves`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.events import LOADER
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import Samples

WORK = ("forward_s", "backward_s", "step_s")


class LoaderStarves(Check):
    """The loop waits for its DataLoader longer than it computes.

    ## What it does
    Assay takes the time that the loop waited for each sampled batch, and that of forward, backward
    and optimizer of the same iterations, and compares the medians.

    ## Why it matters
    The device is idle for most of the run: what is paid for is waiting.

    ## Evidence
    Heuristic, a note: the wait is three times what is computed or more, and 20 ms or more. It does
    no harm to what is learnt, and depends on the machine.

    ## Known exceptions
    Short waits of small models are silent. A stream that yields samples as they come in is slow on
    purpose.

    ## Example
    A data set that opens and decodes a picture in `__getitem__`, with `num_workers=0`.

    ## What to try
    `num_workers` of 2 or more, with `persistent_workers=True`; decode once and keep the arrays.

    ## References
    PyTorch documentation, "Multi-process data loading"; Mohan et al.: Analyzing and Mitigating Data
    Stalls in DNN Training, 2021.
    """

    name = "loader-starves"
    family = "data"
    severity = "note"
    tier = "heuristic"
    by_hand = "it costs time and changes nothing that is learnt"
    needs = ("data_wait_s",)
    reads = ("data_wait_s", "forward_s", "backward_s", "step_s", "loader")
    requires = (Samples(("data_wait_s",)),)
    limits = {
        "samples": Limit(16, "batches", "ours: the first ones wait for workers to start"),
        "times": Limit(3.0, "times the work", "ours: named in the note, no alarm"),
        "seconds": Limit(0.02, "s", "ours: below, a run is short, or its model small"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            waits = training.series("data_wait_s").finite()
            wait, work = median(waits.values), _work(training)
            if not wait >= self.limit("seconds") or not wait >= self.limit("times") * work:
                continue
            loader = next((e for e in run.events(LOADER) if e.data["grad"]), None)
            workers = loader.data["workers"] if loader else 0
            yield self.found(
                f"the loop waited {wait * 1e3:.0f} ms for a batch and computed for "
                f"{work * 1e3:.0f} ms (medians of {len(waits)} iterations), with {workers} workers",
                "the device is idle for most of the time",
                try_=("more num_workers, persistent_workers=True; decode once, not in each epoch",),
                where=Where(site=Site.read(loader.data["built"]) if loader else None),
                steps=(waits.steps[0], waits.steps[-1]),
                evidence=(
                    Evidence("data_wait_s", wait, self.limit("times") * work, "s, of three times"),
                ),
                training=training,
            )


def _work(training: Training) -> float:
    """Returns the median time that an iteration computes, in seconds."""
    parts = (training.series(name).finite().values for name in WORK)
    return sum(median(values) for values in parts if values)
