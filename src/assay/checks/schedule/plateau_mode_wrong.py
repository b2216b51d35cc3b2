"""The check `plateau-mode-wrong`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.schedulers import Scheduler
from ...journal.series import Series
from ...journal.view import RunView, Training
from ...signals.schedules import driven, rates, why_no_schedule
from ...signals.watched import Watched
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where


class PlateauModeWrong(Check):
    """ReduceLROnPlateau minimises a metric that is to be large, or the reverse.

    ## What it does
    Looks at what `step(metric)` was given: the best value by its mode came among the first, the
    metric went the other way while the training loss fell, and the rate was cut for it. In mode
    `min` the metric must be one that is to be large: shares of counted samples, or what differs
    from the loss of the evaluations and of the training. In mode `max` it must be a loss. A metric
    that is the very accuracy, error or loss of the evaluations may go any way.

    ## Why it matters
    Each better epoch counts as a bad one, and the rate is cut until nothing moves any more.

    ## Evidence
    Exact where the metric is known to be a share (of samples that were right), or the loss of the
    evaluations; else heuristic, and a warning. `learning_rate`: the last rate over the first one.

    ## Known exceptions
    Silent: a validation loss that rises from the start; an error rate that falls; a rate that was
    not cut; a training loss that did not fall.

    ## Example
    `ReduceLROnPlateau(optimizer, patience=2)` with `scheduler.step(accuracy)`.

    ## What to try
    `mode="max"` for what is to be large, `mode="min"` (the default) for a loss.

    ## References
    PyTorch documentation, `torch.optim.lr_scheduler.ReduceLROnPlateau`.
    """

    name = "plateau-mode-wrong"
    family = "schedule"
    severity = "error"
    tier = "exact"
    by_hand = "the scheduler goes on with its own mode beside any trick"
    needs = ("loss", "learning_rate")
    reads = ("loss", "learning_rate")
    leads_to = (Effect.RATE_TOO_LOW, Effect.NOT_LEARNING)
    limits = {
        "metrics": Limit(4, "metrics", "ours: fewer show no direction"),
        "early": Limit(0.25, "of the metrics", "ours: an untrained model is best by chance"),
        "moved": Limit(0.05, "of the larger value", "ours: less may be noise"),
        "dip": Limit(0.05, "of its range", "ours: noise of the first metrics, if it may be a loss"),
        "sure": Limit(0.5, "of its range", "ours: noise of a few epochs' accuracy"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of a run without a plateau."""
        if missing := super().why_skipped(run) or why_no_schedule(run):
            return missing
        plateaus = (s for s, _ in driven(run) if s.of == "ReduceLROnPlateau")
        return None if any(plateaus) else "no ReduceLROnPlateau was built"

    def review(self, run: RunView) -> Iterator[Finding]:
        for scheduler, training in driven(run):
            metrics = scheduler.metrics.finite()
            if scheduler.of != "ReduceLROnPlateau" or len(metrics) < self.limit("metrics"):
                continue
            cut = self._cut(training)
            if cut >= 1:
                continue
            mode = scheduler.settings.get("mode", "min")
            watched = Watched.of(training, metrics)
            named = watched.name()
            if named == "accuracy" if mode == "min" else named in ("loss", "error"):
                yield self._finding(scheduler, training, metrics, cut, named=named)
                continue
            if not watched.loss_then < watched.loss_at_first:
                continue
            sure = watched.is_loss() if mode == "max" else watched.is_gain()
            if sure is not None and self._other_way(metrics, largest=mode == "max", sure=sure):
                yield self._finding(scheduler, training, metrics, cut, sure=sure)

    def _cut(self, training: Training) -> float:
        """Returns the last rate over the largest one."""
        found = [s.last / max(s.values) for _, s in rates(training) if max(s.values, default=0) > 0]
        return min(found, default=1.0)

    def _other_way(self, metrics: Series, *, largest: bool, sure: bool) -> bool:
        """Whether it got worse by its mode, from its first values on.

        Where it is not sure what it is, it must hardly have been better than at first.
        """
        values = [-v if largest else v for v in metrics.values]
        span = max(values) - min(values)
        moved = fmean(values[-max(len(values) // 4, 1) :]) - values[0]
        return (
            values.index(min(values)) < max(len(values) * self.limit("early"), 1)
            and values[0] - min(values) <= self.limit("sure" if sure else "dip") * span
            and moved > self.limit("moved") * max(map(abs, values))
        )

    def _finding(
        self,
        scheduler: Scheduler,
        training: Training,
        metrics: Series,
        cut: float,
        *,
        sure: bool = True,
        named: str | None = None,
    ) -> Finding:
        mode = scheduler.settings.get("mode", "min")
        other, way = ("max", "rose") if mode == "min" else ("min", "fell")
        size = "large" if other == "max" else "small"
        at = f" (stepped at {scheduler.step_site})" if scheduler.step_site else ""
        what = (
            f"the held-out {named} ({metrics.first:.4g} at first, {metrics.last:.4g} at last)"
            if named is not None
            else f"a metric that {way} from {metrics.first:.4g} to {metrics.last:.4g} while the "
            "training loss fell"
        )
        return self.found(
            f"ReduceLROnPlateau with mode={mode!r} was given {what}{at}, and cut the rate to "
            f"{cut:.2g} of what it was",
            "it takes each better value for a worse one",
            try_=(f"mode={other!r}, as this metric is to be {size}",),
            where=Where(site=scheduler.site),
            steps=(metrics.steps[0], metrics.steps[-1]),
            evidence=(Evidence("learning_rate", cut, 1.0, "of the largest"),),
            severity=None if sure else "warning",
            tier=None if sure else "heuristic",
            training=training,
        )
