"""The check `scheduler-unit-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.schedulers import Scheduler
from ...journal.view import RunView, Training
from ...signals.schedules import driven, ran_to_its_end, why_no_schedule
from ...signals.units import EARLY, NEAR, Mismatch, mismatch
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where

_SAYS = {
    "batch for epoch": "once for each batch",
    "epoch for batch": "once for each epoch",
    "batch for step": "once for each batch, of which several make one step of the optimizer",
}
_TRY = {
    "batch for epoch": "step it once an epoch, or give it its numbers in batches",
    "epoch for batch": "step it after each step of the optimizer, or give it its numbers in epochs",
    "batch for step": "step it where the optimizer steps, or give it its numbers in batches",
}


class SchedulerUnitMismatch(Check):
    """A scheduler is stepped once a batch where its numbers count epochs, or the reverse, or both.

    ## What it does
    Compares how often a scheduler and its optimizer stepped, the number that its schedule is made
    for (`T_max`, `total_steps`, `total_iters`, what a function of LambdaLR closes over), and the
    number of epochs (passes of a loader, or evaluations at equal distances). Reports a number that
    is the other count; decays made for epochs (StepLR, MultiStepLR, ExponentialLR, a function of
    `epoch`) that batches use up, so that the rate is gone in the first half; and a scheduler that a
    second line steps too, without a step of the optimizer in between.

    ## Why it matters
    The rate is gone after the first epochs, swings up and down, or never leaves its warm-up.

    ## Evidence
    Exact. `learning_rate`: the last rate over the largest one. The summary has the counts.

    ## Known exceptions
    Silent: schedules whose numbers fit how they are stepped, also where a run ended early; restarts
    and cycles shorter than an epoch on purpose; several schedulers in turn.

    ## Example
    `scheduler.step()` indented one level too deep, under `StepLR(optimizer, step_size=10)`.

    ## What to try
    Step the scheduler in the unit of its numbers.

    ## References
    PyTorch documentation, "How to adjust learning rate".
    """

    name = "scheduler-unit-mismatch"
    family = "schedule"
    severity = "error"
    tier = "exact"
    by_hand = "whether its numbers or its place in the loop were meant is the script's to say"
    needs = ("learning_rate",)
    reads = ("learning_rate", "evaluated")
    leads_to = (Effect.RATE_TOO_LOW, Effect.NOT_LEARNING)
    limits = {
        "together": Limit(2, "steps by a second line", "ours: one may be meant, to skip a value"),
        "part": Limit(0.8, "of the second line's steps", "ours: it hardly ever steps alone"),
        "same": Limit(NEAR, "relative", "ours: a last batch more, or a step of warm-up"),
        "early": Limit(EARLY, "of the run", "ours: no schedule of epochs is over by then"),
        "steps": Limit(20, "steps", "ours: counts as small as that agree by chance"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of a run without a scheduler."""
        return super().why_skipped(run) or why_no_schedule(run)

    def review(self, run: RunView) -> Iterator[Finding]:
        for scheduler, training in driven(run):
            if training.steps < self.limit("steps"):
                continue
            twice = self._twice(scheduler, training)
            if twice is not None:
                yield twice
            elif ran_to_its_end(run):
                wrong = mismatch(run, scheduler, training)
                if wrong is not None:
                    yield self._finding(scheduler, training, wrong)

    def _twice(self, scheduler: Scheduler, training: Training) -> Finding | None:
        """Looks for a second line that steps it again, without a step in between."""
        if scheduler.of == "ReduceLROnPlateau":
            return None
        for line in scheduler.lines[1:]:
            if line.together < max(self.limit("together"), self.limit("part") * line.count):
                continue
            return self.found(
                f"{scheduler.kind} was stepped by two lines: {line.together} of {line.count} times "
                f"at {line.site} right after {scheduler.lines[0].site} had stepped it, without a "
                f"step of {training.optimizer} in between",
                "the schedule runs ahead of the training",
                try_=("step it at one place: once a batch or once an epoch",),
                where=Where(site=line.site),
                steps=(0, training.steps - 1),
                evidence=(self._rate(training),),
                severity="warning",
                training=training,
            )
        return None

    def _rate(self, training: Training) -> Evidence:
        series = training.series("learning_rate", "group 0").finite()
        peak = max(series.values, default=0.0)
        return Evidence(
            "learning_rate", series.last / peak if peak else 0.0, None, "of the largest"
        )

    def _finding(self, scheduler: Scheduler, training: Training, wrong: Mismatch) -> Finding:
        rate = self._rate(training)
        meant = f", in a run of {wrong.meant:.0f} epochs" if wrong.meant == wrong.meant else ""
        if wrong.unit != "batch for epoch":
            meant = ", as many as the optimizer took steps"
        number = f"{wrong.of}={wrong.horizon:g}" if wrong.of != "epochs" else "its function's epoch"
        return self.found(
            f"{scheduler.kind} ({number}{meant}) was stepped {scheduler.steps} times in "
            f"{training.steps} steps of {training.optimizer}, {_SAYS[wrong.unit]}; the rate ended "
            f"at {rate.value:.2g} of its largest",
            "its numbers count something else than what it is stepped for",
            try_=(_TRY[wrong.unit],),
            where=Where(site=scheduler.step_site or scheduler.site),
            steps=(0, training.steps - 1),
            evidence=(rate,),
            training=training,
        )
