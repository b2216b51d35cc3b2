"""How good a run turned out: one number a kind, lower is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from ..journal.events import LOSS_AT_END
from ..journal.numbers import single
from ..journal.series import Series
from ..journal.view import RunView, Training
from ..signals.constant import constant_loss
from ..signals.evaluations import main_evaluations
from ..signals.objective import only_loss
from ..tricks.base import Trick

HELD_OUT, TRAINING = "held-out loss", "training loss"
HELD_OUT_ERROR, TRAINING_ERROR = "held-out error", "training error"
ALIKE, USED = "training loss, computed alike", "loss of training batches in evaluation mode"
GENERATED = "distance of generated batches"
KINDS = (GENERATED, HELD_OUT, TRAINING, ALIKE, HELD_OUT_ERROR, TRAINING_ERROR, USED)
"""In the order in which they are preferred. Where a network generates, the losses of its judge say
little: what counts is how far its batches lie from the data (probe `players`). Errors are shares of
wrong answers, where classes are known; what is computed alike leaves out what a trick does to the
loss (probe `comparable`); and the loss in evaluation mode at the end (probe `ending`) is for tricks
that change the mode."""

HIGHER = " (higher is better)"
"""At the end of a kind that is made large; its numbers are held with the other sign."""

CAUTION = "no held-out loss is known: the first training batches stand in for it"

LAST = 0.1
"""The share of the steps whose losses make up the metric (design, section 8)."""
POINTS = 60
SAMPLES = 3
"""Distances of generated batches in the last half of a run: fewer say more of their batches."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run's record says of its success.

    Attributes:
        values: By kind; inf for a run that was not finite at its end.
        curves: By kind, (step, value), at most 60 points.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)

    def per_batch(self, batches: int) -> Measured:
        """Returns the same with curves over batches, where each step took several."""
        return Measured(
            self.values,
            {
                kind: tuple((step * batches, value) for step, value in curve)
                for kind, curve in self.curves.items()
            },
        )

    def worst(self) -> Measured:
        """Returns the same curves of a run that came to nothing."""
        kinds = self.values or dict.fromkeys(KINDS[:2])
        return Measured(dict.fromkeys(kinds, math.inf), self.curves)


def shown(kind: str, value: float) -> float:
    """Returns a value of a kind as people know it."""
    return -value if kind.endswith(HIGHER) else value


def measure(view: RunView) -> Measured:
    """Measures a run by every kind that its record allows."""
    training = main_training(view)
    if training is None:
        return Measured()
    found: dict[str, Series] = {TRAINING: training.series("loss")}
    if len(errors := training.series("training_error")):
        found[TRAINING_ERROR] = errors
    if len(alike := training.series("loss_alike")):
        found[ALIKE] = alike
    evaluations = main_evaluations(view.trainings)
    # one look before training began, or only early on, says nothing of how it ended
    if evaluations and evaluations[-1].step >= training.steps / 2:
        found[HELD_OUT] = Series(
            (e.step, math.nan if e.loss is None else e.loss) for e in evaluations
        )
        known = [(e.step, 1 - e.accuracy) for e in evaluations if e.accuracy is not None]
        if known and evaluations[-1].accuracy is not None:
            found[HELD_OUT_ERROR] = Series(known)
    ends = [e.data["loss"] for e in view.events(LOSS_AT_END) if e.data["loss"] is not None]
    if ends:
        found[USED] = Series([(training.steps - 1, float(ends[-1]))])
    values = {kind: final(series, training.steps) for kind, series in found.items()}
    if len(made := _generated(view)) >= SAMPLES:
        found[GENERATED], values[GENERATED] = made, fmean(made.values)
    values = {kind: value for kind, value in values.items() if not math.isnan(value)}
    if not math.isfinite(values.get(TRAINING, 0.0)):  # classes can be counted in rubbish too
        values = dict.fromkeys(values, math.inf)
    return Measured(values, {kind: thinned(found[kind]) for kind in values})


def _generated(view: RunView) -> Series:
    """Returns the distances of the last half of the first training that has them."""
    for training in view.trainings:
        for place in training.places("generated_distance"):
            distances = training.series("generated_distance", place).finite()
            return distances.between(training.steps // 2, training.steps)
    return Series()


def constant_of(view: RunView) -> float | None:
    """Returns the training loss of the best constant prediction; None where it is not known."""
    training = main_training(view)
    call = None if training is None else only_loss(view, training)
    return None if training is None or call is None else constant_loss(training, call)


def main_training(view: RunView) -> Training | None:
    """Returns the training with the most steps, the first of them if several tie."""
    stepped = [training for training in view.trainings if training.steps]
    return max(stepped, key=lambda t: t.steps, default=None)


def final(series: Series, steps: int) -> float:
    """Returns the mean over the last tenth of the steps, at least the last value.

    Returns:
        inf where the last value, or half of them, are not finite; nan where there is no value.
    """
    if not len(series):
        return math.nan
    begin = math.ceil(steps * (1 - LAST))
    last = list(series.between(begin, series.steps[-1] + 1).values) or [series.last]
    finite = [single(value) for value in last if math.isfinite(value)]
    if not math.isfinite(series.last) or 2 * len(finite) < len(last):
        return math.inf
    return fmean(finite)


def thinned(series: Series, points: int = POINTS) -> tuple[tuple[int, float], ...]:
    """Returns at most so many points: each stretch's mean at its last step; nan if not finite."""
    size = max(math.ceil(len(series) / points), 1)
    samples = list(series)
    stretches = [samples[i : i + size] for i in range(0, len(samples), size)]
    return tuple((s[-1][0], fmean(value for _, value in s)) for s in stretches)


def comparable(tricks: Iterable[Trick], kinds: Sequence[str]) -> tuple[str, str]:
    """Returns the kind by which a candidate is compared, and a word of caution.

    Args:
        tricks: Its tricks.
        kinds: What was measured in every run, control and treated.

    Returns:
        The kind, empty if nothing was measured in all of them; and the caution, empty if there
        is nothing to be cautious about.
    """
    asked = [kind for kind in kinds if kind not in KINDS]
    if asked:  # whoever asks for a quantity knows what it means with these tricks
        return asked[0], ""
    tricks = tuple(tricks)
    other_loss = [trick for trick in tricks if trick.changes_loss != "no"]
    changed = [TRAINING] if other_loss else []
    if any(trick.changes_loss == "training and evaluation" for trick in other_loss):
        changed.append(HELD_OUT)
    if any(trick.changes_answers for trick in tricks):
        changed += [ALIKE, TRAINING_ERROR]
    if any(trick.changes_mode for trick in tricks):
        changed += [TRAINING, ALIKE, TRAINING_ERROR]
    for kind in KINDS:
        if kind in kinds and kind not in changed:
            return kind, CAUTION if kind == USED else ""
    for kind in KINDS:
        if kind in kinds:
            other = [trick for trick in tricks if trick in other_loss or trick.changes_mode]
            which = ", ".join(sorted(trick.name for trick in other))
            return kind, f"with {which} the loss is another quantity than the control's"
    return "", ""
