"""A space for a script of which nothing was said: what its own record suggests."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..journal.view import RunView, Training
from ..trials.metric import main_training
from ..tricks.base import Trick
from ..tricks.gradients.clip_norm import ClipNorm
from ..tricks.rate.warmup import Warmup
from .space import WITHOUT, Dimension, Value

AROUND = 30.0
"""Rates are searched within this factor of the script's own: what `lr` itself believes at most."""
DECAYS = (1e-5, 0.1)
"""From no effect in a short training to more than any recipe uses."""


def suggested(view: RunView) -> tuple[Dimension, ...]:
    """Returns a space for a run like this one; empty where no optimizer of torch stepped.

    The rate, bounded above by what the measured sharpness bears; weight decay, if the optimizer has
    such a setting; clipping at the norms that were measured; warm-up over the first steps.

    Args:
        view: The record of a run of the script as it is.
    """
    training = main_training(view)
    if training is None or not training.optimizer:
        return ()
    several = sum(1 for other in view.trainings if other.rank == 0 and other.steps) > 1
    return tuple(_dimensions(training, several=several))


def _dimensions(training: Training, *, several: bool) -> Iterator[Dimension]:
    rates = [training.series("learning_rate", p) for p in training.places("learning_rate")]
    own = max((rate.first for rate in rates if len(rate)), default=0.0)
    if several:  # each has a rate of its own, and one number for all would be none of them
        yield Dimension("lr", "trick", choices=("x0.1", "x0.3", "x1", "x3", "x10"),
                        why="factors: each optimizer has a rate of its own")  # fmt: skip
    elif own > 0:
        high, why = own * AROUND, f"{AROUND:g} times the script's own, {own:.3g}, either way"
        borne = _borne(training, own)
        if math.isfinite(borne) and borne < high:
            high = max(borne, 2 * own)
            why = f"up to what the measured sharpness bears, {borne:.2g}"
        yield Dimension("lr", "trick", _short(min(own / AROUND, high / 100)), _short(high),
                        log=True, why=why)  # fmt: skip
    settings = training.groups[0].settings if training.groups else {}
    if "weight_decay" in settings and not several:
        yield Dimension("weight-decay", "trick", *DECAYS, log=True)
    for trick in (ClipNorm, Warmup):
        found = _choices(trick, training)
        if found is not None:
            yield found


def _borne(training: Training, own: float) -> float:
    """Returns the rate at which the flattest measured surface would be left; nan if unknown."""
    limits = training.series("stability_limit").finite()
    shares = [
        value / limits.at(step)
        for step, value in training.series("rate_times_sharpness").finite()
        if limits.at(step) > 0 and value > 0
    ]
    return own / min(shares) if shares else math.nan


def _choices(trick: type[Trick], training: Training) -> Dimension | None:
    """Returns the values that a trick suggests for this run, beside leaving it out."""
    found = list(trick.suggest(training))
    values: list[Value] = []
    for suggestion in found:
        number = float(suggestion.value)
        values.append(int(number) if trick.main and trick.main.kind is int else number)
    why = "; ".join(suggestion.why for suggestion in found if suggestion.why)
    choices = (WITHOUT, *dict.fromkeys(values))
    return Dimension(trick.name, "trick", choices=choices, why=why) if values else None


def _short(rate: float) -> float:
    return float(f"{rate:.2g}")
