"""The check `average-lags`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...journal.events import AVERAGE
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class AverageLags(Check):
    """What is evaluated is an average of weights that is still near the untrained model.

    ## What it does
    Where an evaluation calls a model of the shape of one that is trained, and that no optimizer
    holds, measures how far its weights came of the way that the trained ones went since the start.
    Reports an average that follows from one evaluation to the next, and in the last one looked at
    was nearer to the start than to the trained weights.

    ## Why it matters
    The evaluation tells of a model that is hardly trained: a decay of 0.9999 needs some 10,000
    steps before the average forgets where it began.

    ## Evidence
    Probe. `average_progress`: 0 at the first weights, 1 at the trained ones, measured on parts of
    up to 32 parameters.

    ## Known exceptions
    Silent: averages that caught up by the last evaluation; copies that do not move (the first or
    the best weights); averages that are evaluated once or twice; models that lie off the way,
    trained elsewhere; target networks and teachers, which training calls, not evaluations.

    ## Example
    `ema = 0.9999 * ema + 0.0001 * weights` in a run of 2,000 steps.

    ## What to try
    A decay that fits the run, such as 1 - 10/steps; or one that warms up: min(decay, (1 + n)/(10 +
    n)).

    ## References
    TensorFlow documentation, `ExponentialMovingAverage`, for the warm-up of the decay.
    """

    name = "average-lags"
    family = "schedule"
    severity = "error"
    tier = "probe"
    by_hand = "the average is kept by the script's own code"
    needs = ("average_progress",)
    reads = ("average_progress", "average_aside", "average")
    limits = {
        "progress": Limit(0.5, "of the way", "nearer to the first weights than to the last ones"),
        "moved": Limit(1e-6, "of the way", "float32 rounding of a copy that never moved"),
        "aside": Limit(0.5, "of the way", "ours: an average lies between what it is made of"),
        "late": Limit(0.5, "of the steps", "ours: an earlier evaluation says nothing of the end"),
        "evaluations": Limit(
            3, "evaluations", "ours: that it follows is seen from one to the next"
        ),
        "steps": Limit(50, "steps", "ours: before that every average lags"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        lines = {e.data["of"]: (e.data["line"], e.site) for e in run.events(AVERAGE)}
        for training in run.trainings:
            for place in training.places("average_progress"):
                progress = training.series("average_progress", place).finite()
                aside = training.series("average_aside", place).finite().last
                if not len(progress) or training.steps < self.limit("steps"):
                    continue
                late = progress.steps[-1] >= self.limit("late") * training.steps
                shares = list(dict(progress).values())  # the last of each evaluation
                share = shares[-1]
                follows = all(a < b for a, b in pairwise(shares[-3:]))
                if len(shares) < self.limit("evaluations") or not follows:
                    continue  # it stands still while the model goes on: a copy of a better state
                if not late or not self.limit("moved") < share < self.limit("progress"):
                    continue
                if not aside < self.limit("aside"):
                    continue
                built, called = lines.get(place, (None, None))
                yield self.found(
                    f"the {place} that was evaluated at step {progress.steps[-1]} had come "
                    f"{share:.1%} of the way from the first weights to the trained ones: its "
                    "average forgets too slowly",
                    "the evaluation tells of a model that is hardly trained",
                    try_=("a smaller decay, or one that warms up with the number of updates",),
                    where=Where(site=Site.read(built) or called),
                    steps=(progress.steps[0], progress.steps[-1]),
                    evidence=(
                        Evidence(
                            "average_progress", share, self.limit("progress"), "of the way", place
                        ),
                    ),
                    training=training,
                )
