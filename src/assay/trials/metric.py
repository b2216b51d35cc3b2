"""How good a run turned out: one number a kind, lower is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from ..journal.series import Series
from ..journal.view import Evaluation, RunView, Training

HELD_OUT, TRAINING = "held-out loss", "training loss"
HELD_OUT_ERROR, TRAINING_ERROR = "held-out error", "training error"
ALIKE = "training loss, computed alike"
KINDS = (HELD_OUT, TRAINING, ALIKE, HELD_OUT_ERROR, TRAINING_ERROR)
"""In the order in which they are preferred. Errors are shares of wrong answers, where classes are
known; what is computed alike leaves out what a trick does to the loss (probe `comparable`)."""

ANOTHER_LOSS = frozenset({"logits", "match-target-shape", "ignore-index"})
"""Tricks with which a loss is another quantity, in training and where the script evaluates."""
ANOTHER_TRAINING_LOSS = ANOTHER_LOSS | {"label-smoothing", "mixup", "cutmix", "balance-classes"}
"""Tricks with which the training loss is another quantity."""
OTHER_ANSWERS = frozenset({"ignore-index", "mixup", "cutmix"})
"""Tricks with which other answers are asked for in training: nothing measured there compares."""

LAST = 0.1
"""The share of the steps whose losses make up the metric (design, section 8)."""
POINTS = 60


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
        """The same, with curves over batches where each step took several."""
        return Measured(
            self.values,
            {
                kind: tuple((step * batches, value) for step, value in curve)
                for kind, curve in self.curves.items()
            },
        )

    def worst(self) -> Measured:
        """The same curves, but the run came to nothing."""
        kinds = self.values or dict.fromkeys(KINDS[:2])
        return Measured(dict.fromkeys(kinds, math.inf), self.curves)


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
    evaluations = main_evaluations(view)
    # one look before training began, or only early on, says nothing of how it ended
    if evaluations and evaluations[-1].step >= training.steps / 2:
        found[HELD_OUT] = Series(
            (e.step, math.nan if e.loss is None else e.loss) for e in evaluations
        )
        known = [(e.step, 1 - e.accuracy) for e in evaluations if e.accuracy is not None]
        if known and evaluations[-1].accuracy is not None:
            found[HELD_OUT_ERROR] = Series(known)
    values = {kind: final(series, training.steps) for kind, series in found.items()}
    values = {kind: value for kind, value in values.items() if not math.isnan(value)}
    if not math.isfinite(values.get(TRAINING, 0.0)):  # classes can be counted in rubbish too
        values = dict.fromkeys(values, math.inf)
    return Measured(values, {kind: thinned(found[kind]) for kind in values})


def main_training(view: RunView) -> Training | None:
    """The training with the most steps, the first of them if several have as many."""
    stepped = [training for training in view.trainings if training.steps]
    return max(stepped, key=lambda t: t.steps, default=None)


def final(series: Series, steps: int) -> float:
    """Mean over the last tenth of the steps, at least the last value.

    Returns:
        inf where the last value, or half of them, are not finite; nan where there is no value.
    """
    if not len(series):
        return math.nan
    begin = math.ceil(steps * (1 - LAST))
    last = list(series.between(begin, series.steps[-1] + 1).values) or [series.last]
    finite = [value for value in last if math.isfinite(value)]
    if not math.isfinite(series.last) or 2 * len(finite) < len(last):
        return math.inf
    return fmean(finite)


def thinned(series: Series, points: int = POINTS) -> tuple[tuple[int, float], ...]:
    """At most so many points: the mean of each stretch at its last step; nan if it isn't finite."""
    size = max(math.ceil(len(series) / points), 1)
    samples = list(series)
    stretches = [samples[i : i + size] for i in range(0, len(samples), size)]
    return tuple((s[-1][0], fmean(value for _, value in s)) for s in stretches)


def comparable(tricks: Iterable[str], kinds: Sequence[str]) -> tuple[str, str]:
    """The kind by which a candidate is compared with the control, and a word of caution.

    Args:
        tricks: Names of its tricks.
        kinds: What was measured in every run, control and treated.

    Returns:
        The kind, empty if nothing was measured in all of them; and the caution, empty if there
        is nothing to be cautious about.
    """
    names = set(tricks)
    changed = [HELD_OUT, TRAINING] if names & ANOTHER_LOSS else []
    if names & ANOTHER_TRAINING_LOSS:
        changed.append(TRAINING)
    if names & OTHER_ANSWERS:
        changed += [ALIKE, TRAINING_ERROR]
    for kind in KINDS:
        if kind in kinds and kind not in changed:
            return kind, ""
    for kind in KINDS:
        if kind in kinds:
            which = ", ".join(sorted(names & ANOTHER_TRAINING_LOSS))
            return kind, f"with {which} the loss is another quantity than the control's"
    return "", ""


def main_evaluations(view: RunView) -> list[Evaluation]:
    """Evaluations by the loss function that was used most often, the first of them in a draw."""
    by_function: dict[str, list[Evaluation]] = {}
    for training in view.trainings:
        for evaluation in training.evaluations:
            by_function.setdefault(evaluation.function, []).append(evaluation)
    return max(by_function.values(), key=len, default=[])
