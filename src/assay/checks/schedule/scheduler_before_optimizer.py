"""The check `scheduler-before-optimizer`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import STEP_SKIPPED
from ...journal.schedulers import Scheduler
from ...journal.view import RunView, Training
from ...signals.schedules import driven, why_no_schedule
from ..base import Check
from ..finding import Evidence, Finding, Where


class SchedulerBeforeOptimizer(Check):
    """The scheduler is stepped before the optimizer in each round, and skips its first rate.

    ## What it does
    Notes how often the optimizer had stepped at each step of its scheduler. Reports a line that
    steps the scheduler before the optimizer's first step, moves it on, and comes again later: the
    loop has the two in the wrong order.

    ## Why it matters
    No step is taken at the first rate of the schedule, and all others come one too early. A warm-up
    begins at its second value, a schedule of few epochs is one short.

    ## Evidence
    Exact. `learning_rate`: the rate of the optimizer's first step. Its limit is the one that the
    schedule begins with.

    ## Known exceptions
    Silent: schedulers moved on to where an older run ended; a first step that a GradScaler left
    out; `step(epoch)` with the number of the epoch; a first rate of 0; ReduceLROnPlateau, which
    may well be given a metric before training.

    ## Example
    `for epoch in range(30): scheduler.step(); train(...)`, as before PyTorch 1.1.

    ## What to try
    Call `scheduler.step()` after `optimizer.step()`.

    ## References
    PyTorch documentation, "How to adjust learning rate": prior to 1.1.0 the order was the reverse.
    """

    name = "scheduler-before-optimizer"
    family = "schedule"
    severity = "warning"
    tier = "exact"
    by_hand = "the order of two of the script's own lines has to change"
    needs = ("learning_rate",)
    reads = ("learning_rate", "step_skipped")

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of a run without a scheduler."""
        return super().why_skipped(run) or why_no_schedule(run)

    def review(self, run: RunView) -> Iterator[Finding]:
        skipped = {e.training for e in run.events(STEP_SKIPPED) if e.step == 0}
        for scheduler, training in driven(run):
            counts = scheduler.counts
            if scheduler.of == "ReduceLROnPlateau" or len(counts) < 2 or not scheduler.lines:
                continue
            once = counts.values[0] == 1 and counts.steps[0] == 0 and counts.steps[1] > 0
            moved = not len(scheduler.positions) or scheduler.positions.first > 0
            again = scheduler.lines[0].count > 1
            useless = bool(scheduler.first) and not any(scheduler.first)
            if once and moved and again and not useless and training.index not in skipped:
                yield self._finding(scheduler, training)

    def _finding(self, scheduler: Scheduler, training: Training) -> Finding:
        rate = training.series("learning_rate", "group 0").first
        begins = scheduler.first[0] if scheduler.first else None
        unused = begins and rate == rate and rate != begins
        missed = f": its first rate of {begins:.3g} was never used" if unused else ""
        return self.found(
            f"{scheduler.kind} was stepped at {scheduler.lines[0].site} before the first step of "
            f"{training.optimizer}, and so again {scheduler.lines[0].count - 1} times{missed}",
            "the schedule is one step ahead from the start",
            try_=("call scheduler.step() after optimizer.step()",),
            where=Where(site=scheduler.lines[0].site),
            steps=(0, 0),
            evidence=(Evidence("learning_rate", rate, begins, "", "group 0"),),
            training=training,
        )
