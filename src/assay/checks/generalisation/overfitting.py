"""The check `overfitting`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.view import RunView, Training
from ...signals.evaluations import course, held_out_loss
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy
from ..requirements import That, too_few


def _too_few_evaluations(check: Check, run: RunView, training: Training) -> str | None:
    """Says that held-out losses are too few, or parts of a sum of which nobody has said how."""
    functions = training.places("evaluation_loss")
    if len(functions) > 1:
        return f"its evaluations take several losses, such as {functions[0]} and {functions[1]}"
    return too_few(len(held_out_loss(training)), check.limit("evaluations"), "evaluations")


class Overfitting(Check):
    """The loss on held-out data rises while that on the training data goes on falling.

    ## What it does
    Reads the mean losses that the script computes with gradients off, evaluation by evaluation, and
    looks for a minimum that lies behind: the last evaluations are clearly worse than the best one,
    and the training loss has fallen since.

    ## Why it matters
    What is learnt after the minimum is the training set by heart: the steps cost time and make the
    model worse on everything else.

    ## Evidence
    Heuristic, a note: the mean of the last tenth of the held-out losses against the lowest of them,
    and the mean training loss of the last tenth of the steps against that around the minimum.

    ## Known exceptions
    A loss can rise while accuracy still improves, since a few confident mistakes weigh much in it:
    compare what you care about. Not judged with fewer evaluations than `evaluations`. Silent where
    the minimum lies late or a single evaluation is bad, where losses are not positive, and where
    the training loss rises as well: that is another illness.

    ## Example
    A large network on 50 samples: the training loss goes to 0, the held-out loss doubles.

    ## What to try
    Stop at the minimum and keep its weights; more data or augmentation; dropout; weight decay.

    ## References
    Prechelt: Early Stopping - But When?, 1998; Goodfellow, Bengio, Courville: Deep Learning, 2016,
    section 5.2.
    """

    name = "overfitting"
    family = "generalisation"
    severity = "note"
    tier = "heuristic"
    needs = ("loss", "evaluation_loss")
    reads = ("loss", "evaluation_loss")
    requires = (That(_too_few_evaluations),)
    is_effect = (Effect.OVERFITTING,)
    limits = {
        "evaluations": Limit(6, "evaluations", "ours: fewer held-out losses show no turn"),
        "risen": Limit(1.2, "times the lowest", "ours: more than one more evaluation would change"),
        "before": Limit(2 / 3, "of the run", "ours: after a later minimum it may still fall"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            held = held_out_loss(training).finite()
            went = course(held)
            if went is None or went.at > self.limit("before") * len(held):
                continue
            if went.end > self.limit("risen") * went.lowest:
                best = held.steps[went.at]
                yield from self._finding(
                    training, best, went.at + 1, went.lowest, went.end, len(held)
                )

    def _finding(
        self, training: Training, best: int, at: int, lowest: float, end: float, count: int
    ) -> Iterator[Finding]:
        tenth = max(training.steps // 10, 1)
        then = _mean_loss(training, best - tenth, best + 1)
        now = _mean_loss(training, training.steps - tenth, training.steps)
        if not now < then:
            return
        yield self.found(
            f"the held-out loss rose from {lowest:.3g} at step {best} (evaluation {at} of "
            f"{count}) to {end:.3g}, while the training loss fell from {then:.3g} to {now:.3g}",
            "what is learnt after the minimum holds for the training data alone",
            try_=(
                "stop at the minimum and keep its weights; then more data, dropout, weight decay",
            ),
            steps=(best, training.steps - 1),
            evidence=(
                Evidence("evaluation loss", end / lowest, self.limit("risen"), "times the lowest"),
                Evidence("loss", now, then),
            ),
            tricks=(
                Remedy("early-stop", f"{max(count // 10, 2)}"),
                Remedy("dropout", "0.5"),
                Remedy("weight-decay", "0.1"),
            ),
            training=training,
            began=(best, training.steps - 1),
        )


def _mean_loss(training: Training, begin: int, end: int) -> float:
    """Returns the mean training loss of these steps; nan where none was recorded."""
    values = training.series("loss").between(begin, end).finite().values
    return fmean(values) if len(values) else float("nan")
