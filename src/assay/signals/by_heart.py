"""Whether a loss falls only on samples that were seen before: it is learnt by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from ..journal.events import EPOCH
from ..journal.view import RunView, Training

PASSES_AT_LEAST = 3
FALLEN = 0.5
"""Of the first epoch's loss: once it has fallen so far little is left to fall, and later epochs are
not looked at."""


@dataclass(frozen=True, slots=True)
class OverEpochs:
    """How a loss falls over epochs of samples in a new order each time.

    What is learnt of samples in common lowers the loss from one step to the next, and of a sample
    that is new as well. What is learnt of each sample alone lowers it only when that sample comes
    back: not in the first epoch, and later from the end of an epoch, where samples were seen once
    less, to the beginning of the next. Within one it even rises: samples that came late in the last
    one are fresh, and on average come again before those that are not.
    """

    first: float
    """Mean over the second half of the first epoch, in which each sample is new."""
    fall: float
    """From the mean of the first epoch to that of the last one that is looked at."""
    within: float
    """Fall from the first third of an epoch to its last, over all after the first one."""
    between: float
    """Fall from the last third of an epoch to the first of the next, over all."""
    epochs: int


def over_epochs(losses: Sequence[float], epoch: int) -> OverEpochs | None:
    """Returns how losses fall over epochs of so many steps; None of fewer than two epochs."""
    parts = [losses[at : at + epoch] for at in range(0, len(losses) - epoch + 1, epoch)]
    if len(parts) < 2 or epoch < 3:
        return None
    means = [fmean(part) for part in parts]
    low = next((n for n, mean in enumerate(means) if mean < FALLEN * means[0]), len(parts) - 1)
    parts, third = parts[: max(low, 1) + 1], epoch // 3
    return OverEpochs(
        first=fmean(parts[0][epoch // 2 :]),
        fall=means[0] - means[len(parts) - 1],
        within=sum(fmean(part[:third]) - fmean(part[-third:]) for part in parts[1:]),
        between=sum(fmean(a[-third:]) - fmean(b[:third]) for a, b in pairwise(parts)),
        epochs=len(parts),
    )


def steps_of_epoch(run: RunView, training: Training) -> int | None:
    """Returns how many steps a pass over the data takes, where each has an order of its own.

    None where no loader gave the batches of this training from its first step on, or passes were of
    unequal length.
    """
    passes: dict[int, list[tuple[int, int]]] = {}
    for event in run.events(EPOCH):
        if event.process == training.process and event.data["whole"]:
            known = passes.setdefault(event.data["loader"], [])
            if not known or event.step > known[-1][0]:
                known.append((event.step, event.data["order"]))
    for known in passes.values():
        lengths = {b[0] - a[0] for a, b in pairwise(known)}
        new = len({order for _, order in known}) == len(known)
        if len(known) >= PASSES_AT_LEAST and len(lengths) == 1 and new:
            (length,) = lengths
            if abs(known[0][0] - length) <= 1:
                return length
    return None
