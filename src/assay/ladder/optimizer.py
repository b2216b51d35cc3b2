"""The rung *optimizer*: does the script's own, with its settings, learn that batch too?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .descent import STEPS, STEPS_AT_LEAST, Descent, Enough, own
from .ground import Ground
from .outcome import Outcome, fails, passes, untried
from .stored import Stored

STEPS_AT_MOST = 1000
ENOUGH = 0.25
"""Of what the robust optimizer gained."""


def why_not(ground: Ground) -> str | None:
    """Returns why the script's own optimizer can't be tried; None if it can."""
    seen = ground.seen
    if seen.optimizer is None:
        return "the script took no step with an optimizer"
    if seen.others:
        return f"{1 + seen.others} optimizers take turns"
    if not seen.optimizer.is_torchs:
        return f"{seen.optimizer.kind} is an optimizer of your own"
    return None


def train(
    ground: Ground,
    batches: Sequence[Stored],
    steps: int,
    until: float,
    holds: Callable[[Descent], bool],
    enough: Enough = lambda _: False,
) -> Descent:
    """Trains copies by the script's own optimizer: without its clipping, and with where that helps.

    Args:
        ground: What the rungs stand on.
        batches: What is learnt, in turn.
        steps: How many.
        until: When to stop, by `monotonic`.
        holds: Whether what came of it is good enough.
        enough: Whether to stop earlier.

    Raises:
        NotReplayable: why a batch can't be computed.
    """
    seen, trained = ground.seen, ground.trained.__contains__
    first = seen.weights.first

    def tried(clip: tuple[str, float, set[int]] | None) -> Descent:
        return own(batches, first, seen.optimizer.make, trained, seen.rates, steps=steps,
                   until=until, enough=enough, clip=clip)  # fmt: skip

    made = tried(None)
    if seen.clip is not None and not holds(made):
        other = tried(seen.clip)
        if holds(other):
            return other
    return made


def climb(ground: Ground) -> Outcome:
    """Trains on the same batch, with the rates that the script had step by step.

    Raises:
        NotReplayable: why the batch can't be computed.
    """
    seen, asked, best = ground.seen, ground.asked, ground.best
    if why := why_not(ground):
        return untried(why)
    held = [key for key in ground.trained if seen.optimizer.holds(key)]
    if ground.trained and not held:
        return fails(
            f"{seen.optimizer.kind} holds none of the {len(ground.trained)} tensors that the loss "
            "depends on: it steps others"
        )
    if (why := ground.why_no_measure()) or asked is None or best is None:
        return untried(why or "no batch was learnt by heart")
    gain = best.first - best.last
    if not gain > 0.05 * abs(best.first):
        return untried("a robust optimizer did not learn the batch either")
    steps = min(max(STEPS, seen.steps), STEPS_AT_MOST)
    made = train(ground, [asked], steps, ground.time(),
                 holds=lambda d: d.first - d.last >= ENOUGH * gain,
                 enough=lambda d: d.first - d.last >= 2 * ENOUGH * gain)  # fmt: skip
    numbers = {"first": made.first, "last": made.last, "robust": best.last,
               "steps": len(made.values)}  # fmt: skip
    if not made.finite:
        return fails(f"the loss stops being finite after {len(made.values)} steps, where Adam "
                     f"reached {best.last:.3g}", **numbers)  # fmt: skip
    own_gain = made.first - made.last
    gained = (
        f"{seen.optimizer.kind} went from {made.first:.3g} to {made.last:.3g} in "
        f"{len(made.values)} steps"
    )
    if own_gain >= ENOUGH * gain:
        return passes(gained, **numbers)
    if len(made.values) < min(steps, STEPS_AT_LEAST):
        return untried(f"only {len(made.values)} steps could be made in time", **numbers)
    rate = max((max(rates) for rates in seen.rates if rates), default=math.nan)
    numbers["rate"] = rate
    return fails(
        f"{gained} (highest rate {rate:.3g}), where Adam at {ground.rate:g} reached "
        f"{best.last:.3g} in {len(best.values)}",
        **numbers,
    )  # fmt: skip
