"""The rung *optimizer*: does the script's own, with its settings, learn that batch too?"""

from __future__ import annotations

import math

from .descent import STEPS, STEPS_AT_LEAST, own
from .ground import Ground
from .outcome import Outcome, fails, passes, untried

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


def climb(ground: Ground) -> Outcome:
    """Trains on the same batch, with the rates that the script had step by step.

    Raises:
        NotReplayable: why the batch can't be computed.
    """
    seen, asked, best = ground.seen, ground.asked, ground.best
    if why := why_not(ground):
        return untried(why)
    assert asked is not None
    assert best is not None
    held = [key for key in ground.trained if seen.optimizer.holds(key)]
    if ground.trained and not held:
        return fails(
            f"{seen.optimizer.kind} holds none of the {len(ground.trained)} tensors that the loss "
            "depends on: it steps others"
        )
    gain = best.first - best.last
    if not gain > 0.05 * abs(best.first):
        return untried("a robust optimizer did not learn the batch either")
    steps = min(max(STEPS, seen.steps), STEPS_AT_MOST)
    made = own([asked], seen.weights.first, seen.optimizer.make, ground.trained.__contains__,
               seen.rates, steps=steps, until=ground.time(),
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
