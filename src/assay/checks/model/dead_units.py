"""The check `dead-units`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.series import Series
from ...journal.view import RunView
from ...signals.lines import activation_site
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

WINDOW = 16
"""A unit counts as dead after so many silent samples: the share is first known with the last of
them, and speaks of the time since the first."""


class DeadUnits(Check):
    """Units of a ReLU give zero for every sample, so no gradient passes through them.

    ## What it does
    Follows each unit behind a ReLU over the last 16 sampled iterations. A unit that was zero for
    every sample of all of them counts as dead. A whole dead layer is an error, a layer with nearly
    all units dead a warning.

    ## Why it matters
    The slope of a ReLU is zero there: weights before a dead unit get no gradient and can't bring it
    back. A wholly dead layer cuts everything before it off from the loss.

    ## Evidence
    Exact for a whole layer: each output was zero, so each gradient through it is zero as well.
    Otherwise heuristic: `dead_unit_share` against a limit measured on healthy nets.

    ## Known exceptions
    Some dead units are normal in wide or sparse layers and behind inputs that are constant. Silent:
    ReLUs in a loss (hinges), behind frozen layers, and functional ones that no layer follows.

    ## Example
    Biases set to -10; a first step so large that it pushes every unit below zero.

    ## What to try
    A smaller learning rate or warm-up if the units died in training; He initialisation and zero
    biases if they were born dead; LeakyReLU or GELU, which have a slope everywhere.

    ## References
    Lu et al. 2019, "Dying ReLU and initialization". Amazon SageMaker Debugger, rule DeadRelu (a
    unit active less than 1 % of the time; more than half of a layer).
    """

    name = "dead-units"
    family = "model"
    severity = "warning"
    tier = "heuristic"
    needs = ("dead_unit_share",)
    reads = ("dead_unit_share", "activation_kind")
    is_effect = (Effect.DEAD,)
    leads_to = {
        Effect.NOT_LEARNING: "no gradient passes a unit whose slope is zero",
    }
    limits = {
        "share": Limit(
            0.9,
            "share",
            "measured in benchmarks/calibration/gradient_depth.py: to 0.31 in healthy nets, to 0.8 "
            "in one that still learns",
        ),
        "units": Limit(8, "units", "ours: 90 % of fewer units is one or two by chance"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            shares = {
                place: training.series("dead_unit_share", place)
                for place in training.places("dead_unit_share")
            }
            dead = [place for place, series in shares.items() if series.last == 1.0]
            nearly = [
                place
                for place, series in shares.items()
                if self.limit("share") <= series.last < 1.0
                and 1 / (1 - series.last) >= self.limit("units")
            ]
            for place in dead[:1] or nearly[:1]:
                series, whole = shares[place], bool(dead)
                since = next(s for s, v in series if v >= self.limit("share"))
                others = len(dead or nearly) - 1
                also = f" (and {others} more layers)" if others else ""
                amount = "all" if whole else f"{series.last:.0%} of the"
                yield self.found(
                    f"{amount} units of {place}{also} gave zero for every sample of the last 16 "
                    f"sampled iterations (to step {series.steps[-1]})",
                    "no gradient passes through a unit that is always zero"
                    + (", so nothing before this layer learns through it" if whole else ""),
                    try_=(
                        "check the biases and the initialisation before this layer (He for ReLU)",
                        "lower the learning rate or warm it up, if the units died during training",
                        "use LeakyReLU or GELU instead of ReLU",
                    ),
                    where=Where(site=activation_site(run, place), module=place),
                    steps=(since, series.steps[-1]),
                    evidence=(
                        Evidence(
                            "dead_unit_share",
                            series.last,
                            1.0 if whole else self.limit("share"),
                            "share",
                            place,
                        ),
                    ),
                    tricks=(
                        Remedy("init", "he"),
                        Remedy("activation", "leaky-relu"),
                        Remedy("warmup"),
                    ),
                    severity="error" if whole else "warning",
                    tier="exact" if whole else "heuristic",
                    training=training,
                    began=_onset(series, since),
                    layers=dead or nearly,
                )


def _onset(series: Series, since: int) -> tuple[int, int]:
    """Returns between which steps the units died: both 0 if they were dead at the first sample."""
    place = list(series.steps).index(since)
    if place == 0:
        return 0, 0
    if place < WINDOW:
        return 1, since
    return series.steps[place - WINDOW] + 1, series.steps[place - WINDOW + 1]
