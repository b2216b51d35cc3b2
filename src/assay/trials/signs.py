"""What the record of a run points to where no check found a fault.

Over-fitting, rare classes, half precision without a loss scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ..checks.finding import Remedy
from ..journal.events import AUTOCAST
from ..journal.view import RunView, Training
from .metric import main_evaluations, main_training

EVALUATIONS = 6
"""Ours: fewer held-out losses show no turn."""
RISEN = 1.2
"""Ours: so many times the lowest held-out loss is more than one more evaluation would change."""
BEFORE = 2 / 3
"""The lowest held-out loss must lie in the first part of the run; later, it may still fall."""
RARE = 0.1
"""Ours: a class with less than a tenth of the commonest one's labels is rare."""
LABELS = 500
"""Ours: with fewer labels a class may be rare by chance."""

Sign = tuple[Remedy, str]
"""What may help, and what was measured that says so."""


def signs(view: RunView) -> Iterator[Sign]:
    """Tricks worth a trial though nothing is broken, the likeliest first."""
    training = main_training(view)
    if training is not None:
        yield from _unscaled_half(view, training)
        yield from _overfitting(view)
        yield from _rare_classes(training)


def _unscaled_half(view: RunView, training: Training) -> Iterator[Sign]:
    half = any(e.data.get("dtype") == "float16" and e.data.get("enabled")
               for e in view.events(AUTOCAST))  # fmt: skip
    if half and not len(training.series("loss_scale")):
        why = "fp16 without a GradScaler: gradients below 6e-8 are lost"
        yield Remedy("amp", "fp16"), why


def _overfitting(view: RunView) -> Iterator[Sign]:
    losses = [e.loss for e in main_evaluations(view) if e.loss is not None]
    if len(losses) < EVALUATIONS or not min(losses) > 0:
        return
    lowest, at = min(losses), losses.index(min(losses))
    end = fmean(losses[-max(len(losses) // 10, 1) :])
    if at > BEFORE * len(losses) or not end > RISEN * lowest:
        return
    why = f"the held-out loss rose from {lowest:.3g} at evaluation {at + 1} to {end:.3g}"
    yield Remedy("early-stop", f"{max(len(losses) // 10, 2)}"), why
    yield Remedy("dropout", "0.5"), why
    yield Remedy("weight-decay", "0.1"), why


def _rare_classes(training: Training) -> Iterator[Sign]:
    counts = {c: sum(training.series("label_count", c).finite().values)
              for c in training.places("label_count")}  # fmt: skip
    counts = {label: count for label, count in counts.items() if count > 0}
    if len(counts) < 2 or sum(counts.values()) < LABELS:
        return
    most, least = max(counts.values()), min(counts.values())
    if least >= RARE * most:
        return
    rarest = min(counts, key=counts.__getitem__)
    why = f"class {rarest} is {least / sum(counts.values()):.1%} of the labels seen"
    yield Remedy("balance-classes", "1"), why
    yield Remedy("balance-classes", "0.5"), why
