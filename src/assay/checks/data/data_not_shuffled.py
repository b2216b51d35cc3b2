"""The check `data-not-shuffled`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import LOADER, LOSS_CALL
from ...journal.view import RunView, Site, Training
from ...signals.labels import Batch, clumping, entropy, several_a_sample
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import That, too_few


def _too_few_labels(check: Check, run: RunView, training: Training) -> str | None:
    """Says that batches or their labels are too few, or are not one to a sample."""
    if several_a_sample(run):
        return "one sample has many labels: which batch they came in says nothing"
    _, batches = _batches(training)
    least = check.limit("batch")
    if small := sum(sum(batch) < least for batch in batches):
        return f"{small} of {len(batches)} sampled batches have fewer than {least:.0f} labels"
    return too_few(len(batches), check.limit("batches"), "sampled batches with labels")


class DataNotShuffled(Check):
    """Batches hold samples of one or few classes, because the data are sorted.

    ## What it does
    From the labels of each sampled batch assay computes how much labels of one batch resemble each
    other (their intraclass correlation: 0 for a random order, 1 if each batch has one class only).
    Where a DataLoader reads a dataset in its own order, the order of the dataset's labels counts
    too. The second half of the steps is looked at by itself as well.

    ## Why it matters
    Each step then pulls the model towards the class at hand and away from the others: the loss
    swings, earlier classes are forgotten, and batch normalisation sees statistics of one class.

    ## Evidence
    Heuristic. The intraclass correlation over the sampled batches, with the mean entropy of the
    labels in a batch against that of all sampled labels. Or: a SequentialSampler over labels that
    lie in blocks, and sampled batches with less than half of the entropy of all labels.

    ## Known exceptions
    Training on one and the same batch is silent, and so are runs without class labels, regression,
    language models, batches balanced by design, few-shot episodes, and samples that have many
    labels each, which are alike by nature: sequence labelling, segmentation. Continual learning
    presents classes in blocks on purpose: ignore the check there.

    ## Example
    `DataLoader(dataset, batch_size=32)` on a folder of images sorted by class; `shuffle` is False
    by default.

    ## What to try
    `DataLoader(..., shuffle=True)`, or a new `torch.randperm(n)` for each pass over hand-sliced
    data.

    ## References
    Bengio: Practical recommendations for gradient-based training of deep architectures, 2012 (order
    of examples).
    """

    name = "data-not-shuffled"
    family = "data"
    severity = "warning"
    tier = "heuristic"
    needs = ("label_count",)
    reads = ("label_count", "loader", "loss_call", "input")
    requires = (That(_too_few_labels),)
    leads_to = {
        Effect.RATE_TOO_HIGH: "a step that fits the few classes of its batch overshoots all others",
        Effect.NOT_LEARNING: "the class of the last batch is learnt, and forgotten with the next",
    }
    limits = {
        "clumping": Limit(
            0.4, "intraclass correlation", "measured in benchmarks/calibration/label_order.py"
        ),
        "batches": Limit(8, "sampled batches", "measured in benchmarks/calibration/label_order.py"),
        "batch": Limit(4, "labels", "ours: smaller batches hold too few labels to compare"),
        "entropy": Limit(
            0.5, "of all labels' entropy", "measured in benchmarks/calibration/label_order.py"
        ),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            known = list(zip(*_batches(training), strict=True))
            later = [one for one in known if one[0] >= training.steps // 2]
            finding = self._review(run, training, known, late=False)
            if finding is None and len(later) >= self.limit("batches"):
                finding = self._review(run, training, later, late=True)
            if finding is not None:
                yield finding

    def _review(
        self, run: RunView, training: Training, known: list[tuple[int, Batch]], *, late: bool
    ) -> Finding | None:
        steps, batches = [step for step, _ in known], [batch for _, batch in known]
        within = sum(entropy(batch) for batch in batches) / len(batches)
        overall = entropy([sum(column) for column in zip(*batches, strict=True)])
        alike, said = clumping(batches), "their labels' correlation within a batch"
        order = self._file_order(run)
        if order is not None and not alike > self.limit("clumping"):
            alike, overall = order
            if within > self.limit("entropy") * overall:
                return None
            said = "the correlation of neighbours in the dataset, read by a SequentialSampler,"
        if not alike > self.limit("clumping"):
            return None
        return self.found(
            f"batches were sorted by label{' in the second half' if late else ''}: {said} was "
            f"{alike:.2f} (0 when shuffled); entropy of labels {within:.2f} nats in a batch, "
            f"{overall:.2f} in all",
            "each step pulls towards the class at hand and forgets the others",
            try_=("DataLoader(..., shuffle=True), or torch.randperm for each pass",),
            where=Where(site=_site(run, late=late) or training.site),
            steps=(steps[0], steps[-1]),
            evidence=(Evidence("label_count", alike, self.limit("clumping"), "correlation"),
                      Evidence("label_entropy", within, overall, "nats")),
            tricks=(Remedy("shuffle"),),
            process=training.process,
            began=(0, steps[0]),
        )  # fmt: skip

    def _file_order(self, run: RunView) -> tuple[float, float] | None:
        """Returns how a dataset's labels clump in file order, and the entropy if they were even."""
        for event in run.events(LOADER):
            chance = event.data.get("labels_equal_by_chance", 1.0)
            if event.data.get("grad") and chance < 1:
                # entropy of order 2, which is never above the usual one
                return (event.data["labels_equal_next"] - chance) / (1 - chance), -math.log(chance)
        return None


def _batches(training: Training) -> tuple[list[int], list[Batch]]:
    """Yields label counts of each sampled batch, class by class, and its step."""
    counts = [dict(training.series("label_count", c)) for c in training.places("label_count")]
    steps = sorted(set.intersection(*map(set, counts))) if counts else []
    return steps, [[count[step] for count in counts] for step in steps]


def _site(run: RunView, *, late: bool) -> Site | None:
    """Returns the line that built the first loader, or the last, or else that of the loss."""
    loaders = [event for event in run.events(LOADER) if event.data.get("grad")]
    if loaders:
        event = loaders[-1 if late else 0]
        return Site.read(event.data.get("built")) or event.site
    return next((event.site for event in run.events(LOSS_CALL)), None)
