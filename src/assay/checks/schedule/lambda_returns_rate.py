"""The check `lambda-returns-rate`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ...journal.schedulers import Scheduler
from ...journal.series import Series
from ...journal.view import RunView, Training
from ...signals.schedules import driven, is_alone, rates, why_no_schedule
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where


class LambdaReturnsRate(Check):
    """The function of a LambdaLR returns a learning rate where a factor is asked for.

    ## What it does
    Divides the largest rate that steps were taken at by the rate of the optimizer: that is the
    largest factor that the function gave. Reports a factor that is the optimizer's own rate, so
    that training ran at its square. Of a MultiplicativeLR the ratio of one rate to the last one is
    looked at in the same way.

    ## Why it matters
    A rate of 0.01 becomes 0.0001, and training looks as if it had nothing to learn.

    ## Evidence
    Exact. `learning_rate`: the largest rate of the run. Its limit is the rate that the optimizer
    was built with.

    ## Known exceptions
    Silent: an optimizer whose rate is 1, where factor and rate are the same; a factor that still
    rises at the end; small factors of any other size; a schedule that goes on from an older one;
    several schedulers on one optimizer.

    ## Example
    `LambdaLR(SGD(parameters, lr=0.01), lambda epoch: 0.01 * 0.97**epoch)`.

    ## What to try
    Let the function return a factor (`0.97**epoch`), or build the optimizer with `lr=1.0`.

    ## References
    PyTorch documentation, `torch.optim.lr_scheduler.LambdaLR`.
    """

    name = "lambda-returns-rate"
    family = "schedule"
    severity = "error"
    tier = "exact"
    by_hand = "what the function was to return is the script's to say"
    needs = ("learning_rate",)
    reads = ("learning_rate",)
    leads_to = (Effect.RATE_TOO_LOW, Effect.NOT_LEARNING)
    limits = {
        "rate": Limit(0.5, "rate of the optimizer", "ours: nearer to 1 both readings are alike"),
        "same": Limit(1e-4, "relative", "float32 arithmetic in the user's function"),
        "decay": Limit(0.5, "of the rate", "ours: its first value is a decayed one at times"),
        "small": Limit(0.05, "rate of the optimizer", "ours: a decayed factor is less telling"),
        "steps": Limit(3, "steps of a scheduler", "ours: a factor that never changes may be meant"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of a run without a scheduler."""
        return super().why_skipped(run) or why_no_schedule(run)

    def review(self, run: RunView) -> Iterator[Finding]:
        for scheduler, training in driven(run):
            kind = scheduler.of
            if kind not in ("LambdaLR", "MultiplicativeLR") or scheduler.start != 0:
                continue
            if not is_alone(run, scheduler):
                continue
            for group, series in rates(training):
                own = scheduler.base[group] if group < len(scheduler.base) else 0.0
                if not 0 < own < self.limit("rate") or not len(series):
                    continue
                factor = (
                    self._largest(series, own, scheduler.steps)
                    if kind == "LambdaLR"
                    else self._ratio(series)
                )
                if factor is not None and self._is_rate(factor, scheduler.base, series):
                    yield self._finding(scheduler, training, group, own, series)
                    break

    def _largest(self, series: Series, own: float, steps: int) -> float | None:
        """Returns the largest factor; None while it still rises, or is one that never changes."""
        values = list(series.values)
        peak = max(values)
        if values[-1] >= peak and (min(values) < peak or steps < self.limit("steps")):
            return None
        return peak / own

    def _ratio(self, series: Series) -> float | None:
        """Returns the largest ratio of a rate to the one before; None for too few of them."""
        ratios = [b / a for a, b in pairwise(series.values) if a > 0 and b != a]
        return max(ratios) if len(ratios) >= 2 else None

    def _is_rate(self, factor: float, own: Sequence[float], series: Series) -> bool:
        """Whether a factor is the optimizer's rate, or that rate after some decay."""
        if any(math.isclose(factor, rate, rel_tol=self.limit("same")) for rate in own):
            return True
        decayed = any(self.limit("decay") * rate <= factor < rate for rate in own)
        changes = len(set(series.values)) > 2
        return decayed and changes and max(own) <= self.limit("small")

    def _finding(
        self, scheduler: Scheduler, training: Training, group: int, own: float, series: Series
    ) -> Finding:
        peak = max(series.values)
        if scheduler.of == "LambdaLR":
            says = f"training ran at a rate of at most {peak:.3g}, the square of {own:.3g}"
        else:
            says = f"the rate fell from {series.first:.3g} to {series.last:.3g}"
        return self.found(
            f"the function of {scheduler.kind} returned a rate near {own:.3g}, which multiplies "
            f"the optimizer's rate of {own:.3g}: {says}",
            "the rate is far below the one that was chosen",
            try_=("let the function return a factor: 1 for the optimizer's own rate",),
            where=Where(site=scheduler.site, group=group if len(scheduler.base) > 1 else None),
            steps=(0, training.steps - 1),
            evidence=(Evidence("learning_rate", peak, own, "", f"group {group}"),),
            training=training,
            began=(0, 0),
        )
