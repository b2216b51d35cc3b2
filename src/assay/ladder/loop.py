"""The rung *loop*: does the script's loop do what its optimizer does with clean gradients?"""

from __future__ import annotations

import math

from .descent import Descent
from .ground import Ground
from .optimizer import ENOUGH, train, why_not
from .outcome import Outcome, fails, passes, untried
from .stream import LEARNT, mean_over, typical


def climb(ground: Ground) -> Outcome:
    """Takes the script's first steps again, and compares with where the script was after them.

    Raises:
        NotReplayable: why a batch can't be computed.
    """
    seen = ground.seen
    if seen.optimizer is None and seen.passes and not seen.weights.moved():
        return fails(f"{seen.passes} backward passes, and no step of an optimizer")
    if why := why_not(ground) or ground.why_no_measure():
        return untried(why)
    if seen.reached is None:
        return untried("the first eight steps are not a batch and a backward pass each")
    steps, there = seen.reached
    batches, first = seen.batches[:steps], seen.weights.first
    before, moves = mean_over(batches, first), LEARNT * (typical(batches) or 0.0)

    def holds(made: Descent) -> bool:
        return made.finite and before - mean_over(batches, made.weights) > moves

    mine = train(ground, batches, steps, ground.time(), holds)
    if len(mine.values) < steps or not mine.finite:
        return untried(f"clean gradients end in a loss that is not finite, or take too long "
                       f"({len(mine.values)} of {steps} steps)")  # fmt: skip
    clean = mean_over(batches, mine.weights)
    after = mean_over(batches, {**first, **there})
    numbers = {"first": before, "clean": clean, "script": after, "steps": steps}
    said = (
        f"after {steps} steps the script's weights have {after:.3g} on these batches, and clean "
        f"gradients lead from {before:.3g} to {clean:.3g}"
    )
    gain = before - clean
    if not gain > LEARNT * (typical(batches) or abs(before)):
        if math.isclose(after, clean, rel_tol=0.02):
            return passes(said, **numbers)
        return untried(f"{said}: too little to tell them apart", **numbers)
    if math.isfinite(after) and before - after >= ENOUGH * gain:
        return passes(said, **numbers)
    return fails(said, **numbers)
