"""The shape of a schedule: its peak, where it fades, where it rises again."""

from __future__ import annotations

from itertools import pairwise

from ..journal.schedulers import Scheduler
from ..journal.series import Series
from ..journal.view import RunView, Site, Training
from .schedules import driven, rates

CYCLES = ("CyclicLR", "OneCycleLR", "CosineAnnealingWarmRestarts")
LOW = 0.05
"""Of the peak: a rate that has come down."""
JUMP = 0.6
"""Of the peak, at once: a restart, which is meant."""


def schedulers_of(run: RunView, training: Training) -> list[Scheduler]:
    """Returns all schedulers that act on a training's optimizer, parts of others too."""
    built = training.built
    return [s for s in run.schedulers if built is not None and s.optimizer == built]


def line_of(run: RunView, training: Training) -> Site | None:
    """Returns where the one scheduler of a training was built, or else its optimizer."""
    own = [s for s, of in driven(run) if of is training]
    return own[0].site if len(own) == 1 else training.site


def leading_rates(training: Training) -> Series:
    """Returns the rates of the group with the highest one."""
    return max(
        (series for _, series in rates(training)),
        key=lambda series: max(series.values, default=0.0),
        default=Series(),
    )


def faded_at(series: Series, share: float) -> int | None:
    """Returns the step from which on a rate stayed below a share of its peak; None if never."""
    limit, since = share * max(series.values, default=0.0), None
    for step, value in series:
        if value > limit:
            since = None
        elif since is None:
            since = step
    return since


def rise_from_trough(series: Series) -> tuple[int, int] | None:
    """Returns the steps at which a rate that had come down began to rise, and ended higher.

    None unless it came down once, rose without a fall and without a restart until the end, and
    ended at more than twice what counts as down.
    """
    values, steps = list(series.values), series.steps
    peak = max(values, default=0.0)
    if peak <= 0:
        return None
    top = values.index(peak)
    down = [i for i, value in enumerate(values) if i > top and value <= LOW * peak]
    if not down or down != list(range(down[0], down[-1] + 1)) or values[-1] <= 2 * LOW * peak:
        return None
    trough = min(down, key=lambda i: (values[i], -i))
    rises = [b - a for a, b in pairwise(values[trough:])]
    if len(rises) < 2 or min(rises) < 0 or max(rises) > JUMP * peak:
        return None
    return steps[trough], steps[-1]
