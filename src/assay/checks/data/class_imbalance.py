"""The check `class-imbalance`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from math import prod

from ...journal.events import LOSS_CALL
from ...journal.view import RunView, Training
from ...signals.labels import several_a_sample
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import That, too_few


def _too_few_labels(check: Check, run: RunView, training: Training) -> str | None:
    """Says that labels are too few, or not one to a sample."""
    if several_a_sample(run):
        return "one sample has many labels"
    return too_few(sum(_counts(run, training).values()), check.limit("labels"), "labels")


class ClassImbalance(Check):
    """Some classes are much rarer than others, and the loss weighs every sample alike.

    ## What it does
    Adds up the labels of all sampled batches by class and compares the rarest class with the
    commonest one; of a loss of two classes, the ones with the zeros. It also says so where the
    model, at the end, predicted the commonest class for every sample.

    ## Why it matters
    A model that never names the rare class is hardly punished: accuracy looks well, and the class
    that often matters most is the one that is not learnt.

    ## Evidence
    Heuristic, a note: the labels seen of the rarest class over those of the commonest one.

    ## Known exceptions
    Unequal classes are right where the data are unequal and errors cost the same: weights then make
    the probabilities wrong. Silent where the loss is given class weights, with few labels, for
    samples with many labels each (sequences, pictures), and for classes that were never seen.

    ## Example
    A detector of defects, trained on 98 % good parts.

    ## What to try
    Look at recall by class first. Then class weights in the loss, or a WeightedRandomSampler.

    ## References
    He, Garcia: Learning from Imbalanced Data, 2009; King, Zeng: Logistic Regression in Rare Events
    Data, 2001 (weights of the trick `balance-classes`).
    """

    name = "class-imbalance"
    family = "data"
    severity = "note"
    tier = "heuristic"
    needs = ("loss_call",)
    reads = (
        "label_count",
        "target_ones_share",
        "prediction_top_share",
        "prediction_top_label",
        "loss_call",
        "input",
    )
    requires = (That(_too_few_labels),)
    limits = {
        "rare": Limit(0.1, "of the commonest class's labels", "ours: named in the note, no alarm"),
        "labels": Limit(500, "labels", "ours: with fewer, a class may be rare by chance"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        calls = [call for call in run.events(LOSS_CALL) if call.data.get("in_graph", True)]
        if any(call.data.get("weighted") for call in calls):
            return
        for training in self.judgeable(run):
            counts = _counts(run, training)
            total = sum(counts.values())
            if len(counts) < 2:
                continue
            rarest, commonest = (f(counts, key=counts.__getitem__) for f in (min, max))
            share = counts[rarest] / counts[commonest]
            if not share < self.limit("rare"):
                continue
            batches = _only(training, commonest)
            none = f"; in the last {batches} sampled batches nothing else was predicted"
            by_class = training.series("label_count", rarest).steps
            places = training.places("target_ones_share")
            steps = by_class or training.series("target_ones_share", next(iter(places))).steps
            yield self.found(
                f"class {rarest} is {counts[rarest] / total:.1%} of the {total:.0f} labels seen, "
                f"the commonest class {counts[commonest] / total:.1%}{none if batches else ''}",
                "a model that never names the rare class is hardly punished",
                try_=(
                    "look at recall by class; then give the loss class weights (pos_weight where "
                    "there are two), or draw rare samples more often",
                ),
                where=Where(site=calls[0].site if calls else None),
                steps=(steps[0], steps[-1]),
                evidence=(
                    Evidence("label_count", share, self.limit("rare"), "of the commonest", rarest),
                ),
                tricks=(Remedy("balance-classes", "1"), Remedy("balance-classes", "0.5"))
                if by_class
                else (),
                training=training,
            )


def _counts(run: RunView, training: Training) -> dict[str, float]:
    """Returns how often each label that occurs was seen."""
    seen = {
        label: sum(training.series("label_count", label).finite().values)
        for label in training.places("label_count")
    }
    if not seen:
        for call in run.events(LOSS_CALL):
            shares = training.series("target_ones_share", call.data["place"]).values
            target = call.data.get("target")
            shape = target["shape"] if target else []
            plain = shape and prod(shape) == shape[0] and not any(map(math.isnan, shares))
            if shares and plain:
                ones = sum(shares) * shape[0]
                seen = {"0": len(shares) * shape[0] - ones, "1": ones}
    return {label: count for label, count in seen.items() if count > 0}


def _only(training: Training, label: str) -> int:
    """Returns in how many of the last sampled batches every sample was predicted to be of a class.

    0 if it was not so in all of the last quarter of them.
    """
    for place in training.places("prediction_top_share"):
        shares = training.series("prediction_top_share", place).values
        labels = training.series("prediction_top_label", place).values
        quarter = len(shares) // 4
        last = [*zip(shares, labels, strict=True)][-quarter:] if quarter else []
        if last and all(share == 1 and top == float(label) for share, top in last):
            return quarter
    return 0
