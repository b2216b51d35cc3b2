"""The rung *stream*: does the script's own optimizer learn over the script's batches, in turn?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import torch
from torch import Tensor

from .descent import STEPS_AT_LEAST, Descent
from .ground import Ground
from .optimizer import ENOUGH, train, why_not
from .outcome import Outcome, fails, passes, untried
from .stored import Stored

BATCHES_AT_LEAST = 8
"""Ours: fewer are no stream."""
ONE_KIND = 0.9
"""Of the variance of the labels lies between batches: each holds nearly one kind alone."""
GATHERED = 1.25
"""Backward passes for a step."""
LEARNT = 0.1
"""Of the way from a constant to the least loss; below that nothing was there to compare with."""


def climb(ground: Ground) -> Outcome:
    """Looks at the batches, then trains over them with both optimizers.

    Raises:
        NotReplayable: why a batch can't be computed.
    """
    seen, batches = ground.seen, ground.batches
    if (found := _drawn(batches)) is not None:
        return found
    if why := why_not(ground) or ground.why_no_measure():
        return untried(why)
    if seen.passes > GATHERED * max(seen.looked_at, 1):
        return untried("gradients are gathered over several batches, or used more than once")
    if len(batches) < BATCHES_AT_LEAST:
        return untried(f"only {len(batches)} batches were stored")
    first = seen.weights.first
    theirs = ground.over_all()
    before, other = mean_over(batches, first), mean_over(batches, theirs.weights)
    gain = before - other

    def holds(made: Descent) -> bool:
        return made.finite and before - mean_over(batches, made.weights) >= ENOUGH * gain

    mine = train(ground, batches, len(theirs.values), ground.time(), holds)
    after = mean_over(batches, mine.weights)
    numbers = {"first": before, "own": after, "robust": other, "steps": len(mine.values)}
    kind = seen.optimizer.kind
    if not theirs.finite or not math.isfinite(other):
        return untried("the loss stops being finite with a robust optimizer too", **numbers)
    if not mine.finite or not math.isfinite(after):
        return fails(f"{kind} over {len(batches)} batches in turn: the loss stops being finite "
                     f"after {len(mine.values)} steps", **numbers)  # fmt: skip
    said = (
        f"over {len(batches)} batches in turn {kind} went from {before:.3g} to {after:.3g} in "
        f"{len(mine.values)} steps, Adam to {other:.3g}"
    )
    if not gain > LEARNT * (typical(batches) or abs(before)):
        return untried(f"{said}: neither learns much of them", **numbers)
    if before - after >= ENOUGH * gain:
        return passes(said, **numbers)
    if len(mine.values) < STEPS_AT_LEAST:
        return untried(f"only {len(mine.values)} steps could be made in time", **numbers)
    return fails(said, **numbers)


def _drawn(batches: Sequence[Stored]) -> Outcome | None:
    """Says that the same batch comes each time, or each batch has one kind of labels alone."""
    inputs = [batch.inputs[0] for batch in batches if batch.inputs]
    if len(inputs) >= BATCHES_AT_LEAST and len(inputs) == len(batches):
        same = all(one.shape == inputs[0].shape and torch.equal(one, inputs[0]) for one in inputs)
        # all data at once are one tensor, of which one copy was taken
        if same and not all(one is inputs[0] for one in inputs):
            return fails(f"all {len(inputs)} batches that were stored are the same")
    # one target a row: those of a sequence are alike where the batch is one sequence
    rows = [batch.targets for batch in batches if batch.targets is not None and batch.has_rows]
    share = _between(rows)
    if share is not None and share >= ONE_KIND:
        return fails(
            f"batches hold one kind of target each: {share:.0%} of the variance of the targets "
            "lies between batches",
            between=share,
        )
    return None


def _between(targets: Sequence[Tensor]) -> float | None:
    """Returns the share of the variance of the targets that lies between batches."""
    flat = [one.double().reshape(-1) for one in targets if one.dim() == 1 and len(one) > 3]
    if len(flat) < BATCHES_AT_LEAST or not all(bool(torch.isfinite(one).all()) for one in flat):
        return None
    whole = torch.cat(flat).var(unbiased=False)
    within = sum(one.var(unbiased=False) * len(one) for one in flat) / sum(map(len, flat))
    return float(1 - within / whole) if float(whole) > 0 else None


def mean_over(batches: Sequence[Stored], weights: dict[int, Tensor] | None) -> float:
    """Returns the mean of how good answers are over batches, with these weights, or as they are.

    Raises:
        NotReplayable: why one can't be computed.
    """
    return fmean(batch.compute(weights)[1] for batch in batches)


def typical(batches: Sequence[Stored]) -> float | None:
    """Returns the mean way from a constant to the least loss; None where it is not known."""
    ways = [level[0] - level[1] for batch in batches if (level := batch.level)]
    return fmean(ways) if ways and fmean(ways) > 0 else None
