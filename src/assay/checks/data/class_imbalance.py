"""The check `class-imbalance`."""

from __future__ import annotations

from collections.abc import Iterator

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
    return too_few(sum(_counts(training).values()), check.limit("labels"), "labels")


class ClassImbalance(Check):
    """Some classes are much rarer than others, and the loss weighs every sample alike.

    ## What it does
    Adds up the labels of all sampled batches by class and compares the rarest class with the
    commonest one.

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
    needs = ("label_count", "loss_call")
    reads = ("label_count", "loss_call", "input")
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
            counts = _counts(training)
            total = sum(counts.values())
            if len(counts) < 2:
                continue
            rarest = min(counts, key=counts.__getitem__)
            share = counts[rarest] / max(counts.values())
            if not share < self.limit("rare"):
                continue
            steps = training.series("label_count", rarest).steps
            yield self.found(
                f"class {rarest} is {counts[rarest] / total:.1%} of the {total:.0f} labels seen, "
                f"the commonest class {max(counts.values()) / total:.1%}",
                "a model that never names the rare class is hardly punished",
                try_=("look at recall by class; then give the loss class weights",),
                where=Where(site=calls[0].site if calls else None),
                steps=(steps[0], steps[-1]),
                evidence=(
                    Evidence("label_count", share, self.limit("rare"), "of the commonest", rarest),
                ),
                tricks=(Remedy("balance-classes", "1"), Remedy("balance-classes", "0.5")),
                training=training,
            )


def _counts(training: Training) -> dict[str, float]:
    """Returns how often each label that occurs was seen."""
    seen = {
        label: sum(training.series("label_count", label).finite().values)
        for label in training.places("label_count")
    }
    return {label: count for label, count in seen.items() if count > 0}
