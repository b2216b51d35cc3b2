"""The check `scheduler-never-stepped`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.schedules import driven, ran_to_its_end, rates, why_no_schedule
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class SchedulerNeverStepped(Check):
    """A scheduler was built for an optimizer that trained, and was never stepped.

    ## What it does
    Notes each scheduler that is built and each of its steps. Reports one without any, whose
    optimizer trained to the end of the script at one and the same rate.

    ## Why it matters
    The schedule does not happen: the rate stays where its constructor left it, which for a warm-up
    or a one-cycle schedule is a small part of the rate that was meant.

    ## Evidence
    Exact. `learning_rate`: the rate of all steps.

    ## Known exceptions
    Silent: parts of a SequentialLR or ChainedScheduler; an optimizer that another scheduler drives;
    rates that a script sets by hand from what the scheduler says; classes with a `step` of their
    own; runs that were stopped, and short ones.

    ## Example
    `scheduler = CosineAnnealingLR(optimizer, T_max=20)`, and a loop without `scheduler.step()`.

    ## What to try
    Call `scheduler.step()` once an epoch, or once a batch, as its numbers count.

    ## References
    PyTorch documentation, "How to adjust learning rate".
    """

    name = "scheduler-never-stepped"
    family = "schedule"
    severity = "warning"
    tier = "exact"
    by_hand = "whether it counts steps or epochs is the script's to say"
    needs = ("learning_rate",)
    reads = ("learning_rate",)
    limits = {
        "steps": Limit(50, "steps", "ours: a shorter run may end within its first epoch"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of a run without a scheduler."""
        return super().why_skipped(run) or why_no_schedule(run)

    def review(self, run: RunView) -> Iterator[Finding]:
        if not ran_to_its_end(run):
            return
        moved = {s.optimizer for s in run.schedulers if s.steps or s.own_step or s.parts}
        told: set[int | None] = set()
        for scheduler, training in driven(run):
            if scheduler.optimizer in moved | told or training.steps < self.limit("steps"):
                continue
            if any(len(set(series.values)) != 1 for _, series in rates(training)):
                continue
            told.add(scheduler.optimizer)
            rate = training.series("learning_rate", "group 0").first
            yield self.found(
                f"{scheduler.kind} was built and never stepped: all {training.steps:,} steps of "
                f"{training.optimizer} were taken at a rate of {rate:.3g}",
                "the schedule that was chosen does not happen",
                try_=("call scheduler.step() after optimizer.step(), in the unit of its numbers",),
                where=Where(site=scheduler.site),
                steps=(0, training.steps - 1),
                evidence=(Evidence("learning_rate", rate, None, "", "group 0"),),
                training=training,
            )
