"""The check `eval-labels-renumbered`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import EVAL_RENUMBERED, EvalRenumbered
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

NAMED_AT_MOST = 4


class EvalLabelsRenumbered(Check):
    """The labels of the evaluation have other numbers than those that were trained on.

    ## What it does
    Assay counts, over each evaluation, which labels the model's answers meant. Found is a last
    evaluation in which two or more answers were hardly ever right, and each meant one other label
    nearly always, no two of them the same: the model tells the classes apart, by other numbers.

    ## Why it matters
    The held-out accuracy is low, often below that of guessing, though the model is good. It looks
    like overfitting, and no regularisation helps.

    ## Evidence
    Probe. The share of such answers that meant the label that they mean most often. At least 80 %
    of each answer's are one label, and at most 5 % its own, which no noise does to two answers.

    ## Known exceptions
    Silent: a model that confuses two classes in one direction, answers that mean several labels,
    and a training that does not get its own labels right. Not judged: evaluations that compute no
    loss of classes (`cross_entropy`, `nll_loss`), and more than 64 classes.

    ## Example
    `LabelEncoder().fit_transform(...)` once for the training and once for the test labels, of which
    one class is missing; two folders of images with other subfolders.

    ## What to try
    Make the numbers once, from the training labels, and use the same for both.

    ## References
    scikit-learn documentation, `LabelEncoder` (fit on the training labels, transform both);
    torchvision documentation, `ImageFolder.find_classes` (numbers by the sorted names of folders).
    """

    name = "eval-labels-renumbered"
    family = "data"
    severity = "error"
    tier = "probe"
    by_hand = "which number is which class is the data's to say"
    needs = ("eval_labels", "loss_accuracy")
    reads = ("eval_renumbered", "eval_labels", "loss_accuracy")
    limits = {
        "accuracy": Limit(0.7, "of training labels", "ours: it knows the classes it was taught"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for the last evaluation, if its labels are other numbers."""
        for training in run.trainings:
            with_classes = [e for e in training.evaluations if e.accuracy is not None]
            events = [e for e in run.events(EVAL_RENUMBERED) if e.process == training.process]
            if not with_classes or not events or events[-1].step < with_classes[-1].step:
                continue
            if self._learnt(training) >= self.limit("accuracy"):
                yield self._finding(training, events[-1], with_classes[-1].accuracy)

    @staticmethod
    def _learnt(training: Training) -> float:
        """Returns the training accuracy of the last samples."""
        series = (training.series("loss_accuracy", p) for p in training.places("loss_accuracy"))
        lasts = [sum(last) / len(last) for s in series if (last := s.finite().values[-8:])]
        return max(lasts, default=0.0)

    def _finding(
        self, training: Training, event: Event[EvalRenumbered], accuracy: float | None
    ) -> Finding:
        data = event.data
        pairs = list(zip(data["answers"], data["labels"], strict=True))
        told = ", ".join(f"{answer} meant {label}" for answer, label in pairs[:NAMED_AT_MOST])
        more = ", ..." if len(pairs) > NAMED_AT_MOST else ""
        return self.found(
            f"labels of the evaluation are numbered otherwise than those of training: what the "
            f"model called {told}{more} in {data['share']:.0%} of {data['samples']:,} answers",
            f"the model knows these classes by other numbers: a held-out accuracy of "
            f"{accuracy or 0:.0%} says nothing of it",
            try_=("number the classes once, from the training data, for all data sets",),
            where=Where(site=Site.read(data["line"]) or event.site),
            steps=(event.step, event.step),
            evidence=(Evidence("eval_renumbered", data["share"], 0.8, "of these answers"),),
            training=training,
            began=(0, event.step),
        )
