"""The check `rows-identical`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import EPOCH, INPUT
from ...journal.view import RunView, Site, Training
from ...signals.contents import last_contents
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import Samples


class RowsIdentical(Check):
    """All rows of a batch are one and the same, and another one at the next step.

    ## What it does
    In each sampled batch assay counts the rows that equal the first one to the last bit, of every
    input of the model that has rows, and whether the targets differ within the batch.

    ## Why it matters
    The model is asked for different answers to one question. It can only give their mean, so that
    nothing is learnt, or one sample is learnt at the price of a whole batch.

    ## Evidence
    Exact. In all sampled batches all rows were equal, while the rows of different batches differ;
    and the targets differed within the batch, or a DataLoader had drawn different samples for it.

    ## Known exceptions
    Batches of one row, inputs that never change at all, and samples that are repeated on purpose
    with one target: several draws of noise, rollouts from one state. One input of several may have
    equal rows.

    ## Example
    A buffer that is filled by `batch.append(frame)` with one array that is overwritten each time:
    all entries are that array, with its last content.

    ## What to try
    Append a copy (`frame.copy()`, `frame.clone()`). In a data set look at what `__getitem__` does
    with its index.

    ## References
    Python documentation, "Programming FAQ": lists hold references, not copies.
    """

    name = "rows-identical"
    family = "data"
    severity = "error"
    tier = "exact"
    by_hand = "the rows that were meant were never made"
    needs = ("input_rows_equal_share",)
    reads = ("input_rows_equal_share", "input_fingerprint", "label_entropy", "target_std", "epoch",
             "input", "input_contents")  # fmt: skip
    requires = (Samples(("input_rows_equal_share",)),)
    leads_to = {Effect.NOT_LEARNING: "one question with many answers has only their mean"}
    limits = {"samples": Limit(8, "batches", "ours: fewer may be repeated by chance")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            places = training.places("input_rows_equal_share")
            shares = [training.series("input_rows_equal_share", place) for place in places]
            changing = [p for p in places if len(set(_fingerprints(training, p))) > 1]
            if not changing or any(min(series.values) < 1 for series in shares):
                continue
            varied = _varied_targets(training)
            drawn = any((event.data["distinct"] or 0) > 1 for event in run.events(EPOCH))
            if not varied and not drawn:
                continue
            tail = (
                f", while their targets differed in {varied} of them"
                if varied
                else ", while a DataLoader had drawn different samples"
            )
            steps = shares[0].steps
            yield self.found(
                f"all rows of `{changing[0]}` were equal to the last bit in each of {len(steps)} "
                f"sampled batches, and other ones in the next batch{tail}",
                "one question with many answers: the model can only learn their mean",
                try_=(
                    "append copies to a buffer, not the array that is overwritten next",
                    "look at what the data set does with its index",
                ),
                where=Where(site=_site(run, training)),
                steps=(steps[0], steps[-1]),
                evidence=(Evidence("input_rows_equal_share", 1.0, 1.0, "of rows", changing[0]),),
                training=training,
            )


def _fingerprints(training: Training, place: str) -> tuple[float, ...]:
    return tuple(training.series("input_fingerprint", place).values)


def _varied_targets(training: Training) -> int:
    """Returns in how many sampled batches the targets differed."""
    steps: set[int] = set()
    for signal in ("label_entropy", "target_std"):
        for place in training.places(signal):
            steps |= {step for step, value in training.series(signal, place) if value > 1e-6}
    return len(steps)


def _site(run: RunView, training: Training) -> Site | None:
    made = (Site.read(e.data["line"]) for e in last_contents(run, training))
    known = next((site for site in made if site is not None), None)
    return known or next((event.site for event in run.events(INPUT)), None)
