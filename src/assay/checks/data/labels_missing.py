"""The check `labels-missing`."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from ...journal.events import EVAL_LABELS, LOSS_CALL, LossCall
from ...journal.view import Event, RunView, Training
from ...signals.contents import takes_one_batch
from ...signals.objective import leads
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import OneObjective, That, too_few

CLASSES = ("cross_entropy", "nll_loss", "multi_margin_loss")
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
HEADS = ("Addmm", "Mm", "UnsafeView", "View", "Sigmoid", "LogSoftmax", "Convolution", "Bmm", "Add")
"""Operations that a head ends with: what a loss is given comes from weights of the model."""


def _too_few_targets(check: Check, run: RunView, training: Training) -> str | None:
    """Says that targets of its loss are too few."""
    counted = sum(_counts(training))
    numbers = 0
    for place, shape in {(e.data["place"], tuple(_shape(e))) for e in _calls(run)}:
        numbers += len(training.series("target_min", place)) * prod(shape)
    return too_few(max(counted, numbers), check.limit("labels"), "targets")


class LabelsMissing(Check):
    """All targets are one value, or a class that is evaluated never occurs in training.

    ## What it does
    Assay counts the labels of all sampled batches by class, follows the smallest and largest target
    of losses of numbers, and notes which classes occur among the labels of evaluations.

    ## Why it matters
    Targets that never change are learnt in a few steps and teach nothing: the loss looks splendid.
    A class that the model is never shown can't be recognised, however well the others are.

    ## Evidence
    Exact, for the batches that were seen.

    ## Known exceptions
    Of losses written at several lines (real and generated samples), of targets that are zero by
    construction (residuals) and of contrastive losses, whose label is always the first, constant
    targets are right. A class that occurs nowhere, neither in training nor in evaluations, is a
    note: classes are reserved, and heads of larger models are kept.

    ## Example
    Data sorted by class are split without shuffling: the last classes lie in the validation part.

    ## What to try
    Count the labels of the training set, `torch.bincount(y)`. Shuffle, or stratify, before the
    split.

    ## References
    scikit-learn, "Cross-validation": stratification by class labels.
    """

    name = "labels-missing"
    family = "data"
    severity = "warning"
    tier = "exact"
    by_hand = "how to split the data is the script's to say"
    needs = ("loss_call",)
    reads = ("loss", "loss_call", "label_count", "target_min", "target_max", "eval_labels",
             "input_fingerprint")  # fmt: skip
    requires = (OneObjective(), That(_too_few_targets))
    leads_to = {Effect.OVERFITTING: "classes that training never shows are all wrong"}
    limits = {
        "labels": Limit(256, "targets", "ours: fewer may miss a class by chance"),
        "a class": Limit(20, "labels a class", "ours: expected; by chance none comes once in e^20"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            calls = _calls(run)
            if not calls or not leads(run, training):
                continue
            counts = _counts(training)
            if sum(counts) >= self.limit("labels"):
                yield from self._classes(run, training, calls, counts)
            elif len({call.data["place"] for call in calls}) == 1:
                yield from self._numbers(training, calls[0])

    def _classes(
        self, run: RunView, training: Training, calls: list[Event[LossCall]], counts: list[float]
    ) -> Iterator[Finding]:
        call = next((c for c in calls if c.data["fn"] in CLASSES), None)
        classes, total = len(counts), sum(counts)
        ignored = {c.data["ignore_index"] for c in calls}
        missing = [n for n, count in enumerate(counts) if not count and n not in ignored]
        if call is None or not missing:
            return
        if len(missing) == classes - 1:
            only = next(label for label, count in enumerate(counts) if count)
            if _is_head(run, call, classes):
                yield self._constant(training, call, f"label {only}", f"of {total:,.0f} labels")
            return
        asked = _evaluated(run, training, classes)
        lost = [n for n in missing if asked[n] * total >= self.limit("a class")]
        if not lost and total < self.limit("a class") * classes:
            return
        named = ", ".join(str(label) for label in (lost or missing)[:10])
        several = len(lost or missing) > 1
        yield self.found(
            f"class{'es' if several else ''} {named} of {classes} never occurred among "
            f"{total:,.0f} labels of sampled batches"
            + (", and did in evaluations" if lost else ""),
            "a class that training never shows can't be recognised"
            if lost
            else "nothing is learnt about it; if the head is not meant to be wider than the data, "
            "labels were lost on the way",
            try_=("count the labels of the training set; shuffle, or stratify, before the split",),
            where=Where(site=call.site),
            evidence=(Evidence("label_count", 0, 1, "labels", str((lost or missing)[0])),),
            severity="warning" if lost else "note",
            training=training,
        )

    def _numbers(self, training: Training, call: Event[LossCall]) -> Iterator[Finding]:
        place = call.data["place"]
        low = training.series("target_min", place).finite().values
        high = training.series("target_max", place).finite().values
        values = {*low, *high}
        if len(values) != 1 or call.data["producer"] not in HEADS:
            return
        (value,) = values
        if value == 0 and call.data["fn"] not in BINARY:
            return
        yield self._constant(training, call, f"{value:.4g}", f"in {len(low)} sampled batches")

    def _constant(
        self, training: Training, call: Event[LossCall], value: str, seen: str
    ) -> Finding:
        return self.found(
            f"all targets of {call.data['place']} were {value}, {seen}",
            "one answer to everything is learnt in a few steps, and the falling loss says nothing",
            try_=("look at the targets just before the loss, and at the line that makes them",),
            where=Where(site=call.site),
            evidence=(Evidence("label_count", 1, 2, "values"),),
            training=training,
        )


def _calls(run: RunView) -> list[Event[LossCall]]:
    return [call for call in run.events(LOSS_CALL) if call.data.get("in_graph", True)]


def _shape(call: Event[LossCall]) -> list[int]:
    target = call.data["target"]
    return target["shape"] if target else [0]


def _counts(training: Training) -> list[float]:
    """Returns how often each class was seen; where all batches are one, in that one."""
    one = takes_one_batch(training)
    count = max((len(training.series("label_count", c)) for c in training.places("label_count")),
                default=1)  # fmt: skip
    return [
        sum(training.series("label_count", label).finite().values) / (count if one else 1)
        for label in sorted(training.places("label_count"), key=int)
    ]


def _evaluated(run: RunView, training: Training, classes: int) -> list[float]:
    """Returns the share of each class among the labels of evaluations; zeros without any."""
    found = [0.0] * classes
    for event in run.events(EVAL_LABELS):
        counts = event.data["counts"]
        if len(counts) == classes and event.process == training.process and any(counts):
            found = [count / sum(counts, 0.0) for count in counts]
    return found


def _is_head(run: RunView, call: Event[LossCall], classes: int) -> bool:
    """Whether the model has weights for each class: a contrastive loss compares samples instead."""
    last = call.data["producer"] in HEADS
    return last and any(p.shape[:1] == (classes,) for p in run.parameters)
