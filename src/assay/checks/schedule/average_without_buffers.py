"""The check `average-without-buffers`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import AVERAGE
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class AverageWithoutBuffers(Check):
    """An average of weights is evaluated with running statistics that never moved.

    ## What it does
    Where an evaluation calls an average of the weights of a trained model with batch norm, in
    evaluation mode, compares its running means and variances with those at the start. Reports them
    where they are still the same, while the weights have moved.

    ## Why it matters
    Batch norm then divides by the statistics of an untrained network (0 and 1), and the average
    looks far worse than it is, at times like chance.

    ## Evidence
    Exact. `average_statistics`: 0 where no running statistic differs from the first one.
    `average_progress` says that the weights moved.

    ## Known exceptions
    Silent: buffers that are copied or averaged with the weights; statistics computed anew, as by
    `update_bn`; norms without running statistics; copies whose weights never moved either.

    ## Example
    An average that goes over `model.parameters()` only, of a network with BatchNorm2d.

    ## What to try
    Copy the buffers with each update, or call `torch.optim.swa_utils.update_bn` before evaluating.

    ## References
    Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization",
    section 3.2.
    """

    name = "average-without-buffers"
    family = "schedule"
    severity = "error"
    tier = "exact"
    by_hand = "the average is kept by the script's own code"
    needs = ("average_statistics",)
    reads = ("average_statistics", "average_progress", "average")
    limits = {
        "moved": Limit(1e-3, "of the way", "ours: the weights moved, so they are averaged"),
        "steps": Limit(20, "steps", "ours: an average may begin later"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        lines = {e.data["of"]: (e.data["line"], e.site) for e in run.events(AVERAGE)}
        for training in run.trainings:
            for place in training.places("average_statistics"):
                statistics = training.series("average_statistics", place).finite()
                progress = training.series("average_progress", place).finite()
                still = len(statistics) > 0 and not any(statistics.values)
                if not still or not progress.last > self.limit("moved"):
                    continue
                if statistics.steps[-1] < self.limit("steps"):
                    continue
                built, called = lines.get(place, (None, None))
                yield self.found(
                    f"the running statistics of batch norm in the {place} that was evaluated at "
                    f"step {statistics.steps[-1]} were those of the start, while its weights had "
                    f"come {progress.last:.1%} of the way to the trained ones",
                    "batch norm divides by the statistics of an untrained network",
                    try_=(
                        "copy the buffers with each update, or call update_bn before evaluating",
                    ),
                    where=Where(site=Site.read(built) or called),
                    steps=(statistics.steps[0], statistics.steps[-1]),
                    evidence=(Evidence("average_statistics", 0.0, None, "of the way", place),),
                    training=training,
                )
