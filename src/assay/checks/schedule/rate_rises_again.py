"""The check `rate-rises-again`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.schedules import ran_to_its_end
from ...signals.shape import (
    CYCLES,
    JUMP,
    LOW,
    leading_rates,
    line_of,
    rise_from_trough,
    schedulers_of,
)
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class RateRisesAgain(Check):
    """A schedule goes on past its end, and the rate that had come down rises until the run ends.

    ## What it does
    Looks for a rate that came down once, rose without a restart and without falling any more, and
    was on its way up when the script ended: a cosine that is stepped beyond its `T_max`, whoever
    wrote it.

    ## Why it matters
    The last epochs are trained at growing rates, and undo what the low rate had settled.

    ## Evidence
    Heuristic. `learning_rate`: the last rate over the largest one.

    ## Known exceptions
    Silent: restarts, which jump; two cycles and more; CyclicLR, OneCycleLR and
    CosineAnnealingWarmRestarts; runs that were stopped before their end.

    ## Example
    `CosineAnnealingLR(optimizer, T_max=10)` in a run of 16 epochs.

    ## What to try
    `T_max` as many steps as the scheduler is stepped.

    ## References
    PyTorch documentation, `CosineAnnealingLR`: the formula is periodic.
    """

    name = "rate-rises-again"
    family = "schedule"
    severity = "warning"
    tier = "heuristic"
    status = "preview"
    by_hand = "a preview: its findings ask for nothing yet"
    needs = ("learning_rate",)
    reads = ("learning_rate",)
    limits = {
        "low": Limit(LOW, "of the largest rate", "ours: it has come down"),
        "jump": Limit(JUMP, "of the largest rate", "ours: a restart is one step to the peak"),
        "steps": Limit(50, "steps", "ours: shorter runs are no schedule"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        if not ran_to_its_end(run):
            return
        for training in run.trainings:
            own = schedulers_of(run, training)
            if training.steps < self.limit("steps") or any(s.of in CYCLES for s in own):
                continue
            risen = rise_from_trough(leading_rates(training))
            if risen is not None:
                yield self._finding(run, training, risen)

    def _finding(self, run: RunView, training: Training, risen: tuple[int, int]) -> Finding:
        series, since = leading_rates(training), risen[0]
        peak = max(series.values)
        past = [
            f"; {s.kind} is made for {s.settings['T_max']} steps and made {s.steps}"
            for s in schedulers_of(run, training)
            if s.steps > s.settings.get("T_max", s.steps)
        ]
        return self.found(
            f"the rate had come down to {series.at(since):.2g} by step {since} and rose again to "
            f"{series.last:.2g}, {series.last / peak:.0%} of its largest, until the run ended at "
            f"step {training.steps}{past[0] if past else ''}",
            "the last part of the run undoes what the low rate had settled",
            try_=("let the schedule end where the run ends",),
            where=Where(site=line_of(run, training)),
            steps=risen,
            evidence=(Evidence("learning_rate", series.last / peak, LOW, "of the largest"),),
            training=training,
        )
