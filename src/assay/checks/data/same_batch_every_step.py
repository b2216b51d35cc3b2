"""The check `same-batch-every-step`."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from ...journal.events import EPOCH, EVAL_CONTENTS, LOADER, InputContents
from ...journal.view import Event, RunView, Site, Training
from ...signals.contents import last_contents, takes_one_batch
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import Samples


class SameBatchEveryStep(Check):
    """Every step is taken on one and the same batch, though there are more data.

    ## What it does
    Assay sums the numbers of each sampled batch, which are equal for equal batches, and asks what
    else there is: what the DataLoader could have drawn, or the tensor that the batch is cut from.

    ## Why it matters
    The model learns one batch by heart. The training loss looks splendid.

    ## Evidence
    Exact. All sampled batches had one sum, and either a DataLoader over more data was begun anew
    each time and left after the same first batch; or the batch is the only one that was taken from
    a DataLoader over more data, or is cut anew at each step from the same place of a larger tensor,
    and evaluations gave the model other data.

    ## Known exceptions
    Training on all data at once (a graph, a small table), a run on one batch to see whether it can
    be learnt (it evaluates nothing else), inputs that never change, few labelled rows that are cut
    once.

    ## Example
    `x, y = next(iter(loader))` inside the loop, of a loader that does not shuffle: an iterator that
    is made anew begins at the first batch.

    ## What to try
    `for x, y in loader:`, or keep one iterator. With hand-made batches look whether the index moves
    on: `x[i : i + size]`.

    ## References
    Karpathy: A Recipe for Training Neural Networks, 2019 (to overfit one batch is a test, and meant
    to end).
    """

    name = "same-batch-every-step"
    family = "data"
    severity = "warning"
    tier = "exact"
    by_hand = "which batch should have come next is the script's to say"
    needs = ("input_fingerprint",)
    reads = ("input_fingerprint", "input_contents", "eval_contents", "loader", "epoch")
    requires = (Samples(("input_fingerprint",)),)
    leads_to = {Effect.OVERFITTING: "the one batch is learnt by heart"}
    limits = {
        "samples": Limit(16, "batches", "ours: a second batch would have come up"),
        "again": Limit(8, "passes", "ours: a loader that is begun so often is not looked at once"),
        "larger": Limit(4.0, "times the batch", "ours: a split keeps more than a quarter"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            known = last_contents(run, training)
            if not known or not takes_one_batch(training):
                continue
            several = known[0].data["rows"] > known[0].data["batches"]
            if several and all(event.data["unchanged"] for event in known):
                continue  # all rows are equal, not only all batches
            event = known[0]
            found = self._begun_anew(run, training) or self._only_one(run, event)
            if found is None:
                continue
            what, site = found
            batches = len(training.series("input_fingerprint", event.data["place"]))
            rows = event.data["rows"] // event.data["batches"]
            yield self.found(
                f"all {batches} sampled steps were taken on one batch of {rows} rows: {what}",
                "the model learns one batch by heart, and its training loss says nothing",
                try_=("`for x, y in loader:`, or move the index on: x[i : i + size]",),
                where=Where(site=site or event.site),
                steps=(0, training.steps),
                evidence=(
                    Evidence("input_fingerprint", 1, 2, "different batches", event.data["place"]),
                ),
                training=training,
            )

    def _begun_anew(self, run: RunView, training: Training) -> tuple[str, Site | None] | None:
        """Tells of a loader over more data that was left after its first batch each time."""
        for loader in run.events(LOADER):
            number, size = loader.data.get("number"), loader.data["size"] or 0
            passes = [e.data for e in run.events(EPOCH) if e.data["loader"] == number]
            if not loader.data["grad"] or len(passes) < self.limit("again"):
                continue
            one = len({each["order"] for each in passes}) == 1
            if one and not any(p["whole"] for p in passes) and passes[0]["draws"] < size:
                what = (
                    f"the DataLoader over {size:,} samples began anew each time, and was left "
                    f"after {passes[0]['draws']}"
                )
                return what, loader.site
        return None

    def _only_one(
        self, run: RunView, event: Event[InputContents]
    ) -> tuple[str, Site | None] | None:
        """Tells of the one batch that was taken of more, where others are evaluated."""
        data = event.data
        others = [e.data for e in run.events(EVAL_CONTENTS) if e.data["place"] == data["place"]]
        means = (others[-1]["eval_mean"], others[-1]["mean"]) if others else (None, None)
        if (
            means[0] is None
            or means[1] is None
            or isclose(float(means[0]), float(means[1]), rel_tol=1e-6)
        ):
            return None
        rows = data["rows"] // data["batches"]
        if data["cut_from"] >= self.limit("larger") * rows:
            what = f"it was cut anew each time from the same place of {data['cut_from']:,} rows"
            return what, event.site
        for loader in run.events(LOADER):
            number, size = loader.data.get("number"), loader.data["size"] or 0
            passes = [e.data for e in run.events(EPOCH) if e.data["loader"] == number]
            taken = len(passes) == 1 and not passes[0]["whole"] and passes[0]["draws"] < size
            if loader.data["grad"] and taken:
                what = f"the only one that was taken from a DataLoader over {size:,} samples"
                return what, loader.site
        return None
