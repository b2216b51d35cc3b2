"""Batches whose inputs or targets are not finite, and what that did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..journal.events import NONFINITE_ORIGIN
from ..journal.view import RunView, Training


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One batch that is not finite; `harmful` if the loss or a gradient of its step is not either.

    `share` is that of its elements; 0 where only the mean of the targets is known.
    """

    step: int
    place: str
    share: float
    harmful: bool


def spoiled_batches(run: RunView, training: Training, limit: float = 0.0) -> Iterator[Spoiled]:
    """Yields sampled batches of which more than this share isn't finite, then what was traced.

    Masks of -inf, and gaps that only break now and then what they are in, do not count.
    """
    yield from _sampled(training, limit)
    for event in run.events(NONFINITE_ORIGIN):
        if event.data["kind"] == "input" and event.training in (None, training.index):
            yield Spoiled(event.step, event.data["place"], event.data["share"], True)


def _sampled(training: Training, limit: float) -> Iterator[Spoiled]:
    for place in training.places("input_nonfinite_share"):
        plain = training.series("input_nan_share", place)
        shares = list(training.series("input_nonfinite_share", place))
        masks = any(share > 0 and not _harmed(training, step) for step, share in shares)
        for step, share in shares:
            if share <= limit:
                continue
            if plain.at(step) > 0 or not masks:
                harmful = _harmed(training, step)
                if harmful or plain.at(step) > 0:
                    yield Spoiled(step, place, share, harmful)
    for place in training.places("target_mean"):
        for step, mean in training.series("target_mean", place):
            if not math.isfinite(mean) and _harmed(training, step):
                yield Spoiled(step, f"targets of {place}", 0.0, True)


def _harmed(training: Training, step: int) -> bool:
    """Whether the loss or a gradient of this step was measured and is not finite."""
    losses = [training.series("loss")]
    losses += [training.series("loss_call_value", p) for p in training.places("loss_call_value")]
    return any(s.has(step) and not math.isfinite(s.at(step)) for s in losses) or any(
        training.series("grad_nonfinite_share", p).at(step) > 0
        for p in training.places("grad_nonfinite_share")
    )
