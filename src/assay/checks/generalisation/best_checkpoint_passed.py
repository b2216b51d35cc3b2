"""The check `best-checkpoint-passed`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.evaluations import course, held_out_loss
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy
from ..requirements import That, too_few


def _too_few_evaluations(check: Check, run: RunView, training: Training) -> str | None:
    """Says that held-out losses are too few."""
    return too_few(len(held_out_loss(training)), check.limit("evaluations"), "evaluations")


class BestCheckpointPassed(Check):
    """The held-out loss has long passed its best, and nobody kept the weights of that time.

    ## What it does
    Finds the lowest of the held-out losses, and whether the script took the weights there: by
    `state_dict()`, `torch.save` or a copy of the model, between that evaluation and the next. It
    speaks when the last evaluations are clearly worse.

    ## Why it matters
    The run ends with worse weights than it had, and those are gone.

    ## Evidence
    Heuristic, a note: the mean of the last tenth of the held-out losses against the lowest of them.

    ## Known exceptions
    A loss can rise while accuracy still improves. Silent where the lowest loss lies in the last
    part of the run, where losses are not positive, and where weights were kept at the lowest loss,
    or at each evaluation. Weights that are copied parameter by parameter are not seen.

    ## Example
    A schedule with warm restarts ends in the middle of a cycle, at a high rate; only the last
    weights are saved.

    ## What to try
    Keep the weights whenever the held-out loss is the lowest so far; stop earlier.

    ## References
    Prechelt: Early Stopping - But When?, 1998.
    """

    name = "best-checkpoint-passed"
    family = "generalisation"
    severity = "note"
    tier = "heuristic"
    needs = ("evaluation_loss",)
    reads = ("evaluation_loss", "weights_kept")
    requires = (That(_too_few_evaluations),)
    is_effect = (Effect.OVERFITTING,)
    limits = {
        "evaluations": Limit(6, "evaluations", "ours: fewer held-out losses show no turn"),
        "risen": Limit(1.2, "times the lowest", "ours: as of overfitting"),
        "before": Limit(3 / 4, "of the evaluations", "ours: after a later one it may still fall"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            held = held_out_loss(training).finite()
            went = course(held)
            if went is None or not went.end > self.limit("risen") * went.lowest:
                continue
            at, count = went.at, len(held)
            if at > self.limit("before") * count:
                continue
            best, following = held.steps[at], held.steps[min(at + 1, count - 1)]
            kept = training.series("weights_kept").steps
            if any(best <= step < following for step in kept):
                continue
            said = "the weights were never kept" if not len(kept) else "weights were kept, not then"
            yield self.found(
                f"the held-out loss was lowest, {went.lowest:.3g}, at step {best} (evaluation "
                f"{at + 1} of {count}), and ended at {went.end:.3g}; {said}",
                "the run ends with worse weights than it had",
                try_=("keep the weights whenever the held-out loss is the lowest so far",),
                steps=(training.steps - 1, training.steps - 1),
                evidence=(
                    Evidence(
                        "evaluation_loss",
                        went.end / went.lowest,
                        self.limit("risen"),
                        "times the lowest",
                    ),
                ),
                tricks=(Remedy("early-stop", f"{max(count // 10, 2)}"),),
                training=training,
                began=(best, training.steps - 1),
            )
