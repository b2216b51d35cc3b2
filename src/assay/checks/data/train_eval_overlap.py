"""The check `train-eval-overlap`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import OVERLAP_FOUND, OverlapFound
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That, too_few


def _too_few_rows(check: Check, run: RunView, training: Training) -> str | None:
    """Says that too few rows of evaluations could be looked for in what was trained on."""
    most = max((event.data["rows"] for event in _last(run)), default=0)
    return too_few(most, check.limit("rows"), "evaluated rows")


class TrainEvalOverlap(Check):
    """Samples of an evaluation were trained on.

    ## What it does
    Assay keeps a number for each row that the model is given on sampled steps, equal for equal
    rows, and looks for the rows of evaluations among those that came before. It looks only once the
    samples hold half of what training draws. Where few rows are equal it looks for near ones, in
    16 directions: those 50 times nearer to a training row than that is to any other.

    ## Why it matters
    A held-out loss of samples that the model knows says nothing of new ones: over-fitting can't be
    seen, and the reported accuracy is wrong.

    ## Evidence
    Exact where rows are equal; where some are only near, measured (and the report says how many).
    The data have a name that says that they are held out (`val`, `test`, ...), and hold known rows
    only; or some among others, and not more of them as training goes on.

    ## Known exceptions
    Evaluating the training data, or all data, is right where they are called so, or nothing: it is
    silent, as are graphs of which a part of the nodes is held out, rows of fewer than 4 numbers,
    batches in which rows are equal, a new optimizer's training (cross-validation), and rows that
    are trained on after they were evaluated. Less than a tenth of a batch may be doubles of the
    data's own. Rows that are flipped, moved, or much changed are not found again, nor near ones
    where training rows come with noise or are that near to each other.

    ## Example
    `val_x = x[:200]`, and training draws from all of `x`; a split that is drawn anew at each start
    of a run that is continued; copies in the data, or a table that is augmented before the split.

    ## What to try
    Split first, by sample (patient, document, user), then augment, then train on the one part only.

    ## References
    Kaufman et al.: Leakage in Data Mining, 2012; Barz, Denzler: Do We Train on Test Data?, 2020.
    """

    name = "train-eval-overlap"
    family = "data"
    severity = "warning"
    tier = "exact"
    by_hand = "a split is made where the data are read"
    needs = ("overlap_found",)
    reads = ("overlap_found",)
    requires = (That(_too_few_rows),)
    limits = {
        "rows": Limit(32, "rows", "ours: fewer are no evaluation"),
        "mixed": Limit(0.5, "of the batches", "ours: one batch may hold the border of two sets"),
        "more": Limit(0.05, "of a batch", "ours: where more are met in time, all will be"),
        "whole": Limit(1.0, "of the batches", "ours: nothing that is evaluated is new"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for _ in self.judgeable(run):
            for event in _last(run):
                data = event.data
                mixed, whole = data["mixed"] / data["batches"], data["whole"] / data["batches"]
                if data["rows"] < self.limit("rows") or data["named"] is None:
                    continue
                more = data["late"] > data["early"] + self.limit("more")
                if whole >= self.limit("whole"):
                    yield self._finding(event, f"`{data['named']}` holds nothing else")
                elif mixed >= self.limit("mixed") and data["batches"] > 1 and not more:
                    others = "" if data["near"] else ", among others that it had not"
                    what = f"some of `{data['named']}`{others}"
                    yield self._finding(event, what)
            return

    def _finding(self, event: Event[OverlapFound], what: str) -> Finding:
        data = event.data
        near = f", {data['near']:,} of them but for a little noise" if data["near"] else ""
        least = "about" if data["near"] else "at least"
        return self.found(
            f"of {data['rows']:,} rows that evaluations gave `{data['place']}`, {least} "
            f"{data['seen']:,} had been trained on before{near}: {what}",
            "a loss of samples that the model knows says nothing of new ones",
            try_=("split first, then augment, and train on the one part only",),
            where=Where(site=Site.read(data["line"]) or event.site),
            steps=(0, event.step),
            evidence=(
                Evidence("overlap_found", data["seen"] / data["rows"], 0.0, "of evaluated rows",
                         data["place"]),
            ),
            process=event.process,
            tier="probe" if data["near"] else None,
        )  # fmt: skip


def _last(run: RunView) -> list[Event[OverlapFound]]:
    """Returns the last that was written of each line."""
    events = run.events(OVERLAP_FOUND)
    return list({(e.process, e.data["place"], e.data["asked"]): e for e in events}.values())
