"""The rung *batch*: can the model, with the script's own loss, learn one batch by heart?"""

from __future__ import annotations

import math
from statistics import fmean

from . import answers
from .descent import STEPS, STEPS_AT_LEAST, SWEEP, Descent, robust
from .ground import Ground
from .outcome import Outcome, fails, passes, untried
from .reference import told_by_others
from .stored import Stored
from .stream import mean_over, typical

BY_HEART = 0.9
"""Of the way from the best constant answer to the least loss."""
BOUNDED = 0.75
"""Of the loss is left when the same answers are stretched: a last layer that is free does that."""
SMALLER = 0.2
"""A network that learnt from other rows tells so much more of these than can be learnt by heart."""
OTHERS, MUCH_SMALLER = 4, 0.5
"""The same of so many batches, which are learnt in turn and not one by heart."""
NOTHING = 0.02
"""Of that way: what a batch's own noise may give. These limits are ours, and were seen to fail no
right script in benchmarks/ladder.py."""
UNKNOWN_MOVED = 0.01
"""Of the first loss, where a constant's is not known: less is no fall."""
USUAL = 1e-2
"""A rate of Adam at which a loss that is written safely stays finite on one batch."""
ENDLESS = 100.0
"""A loss so many times as far below 0 as it began from it has no least value."""


def climb(ground: Ground) -> Outcome:
    """Tries the rates of a sweep, from the first weights, until one learns the batch.

    Raises:
        NotReplayable: why the batch can't be computed.
    """
    batches, first = ground.batches, ground.seen.weights.first
    asked = ground.asked = max(batches[:8], key=lambda one: one.level[0] if one.level else 0.0)
    until, trained = ground.time(), ground.trained
    scored, targets = asked.scored, asked.targets
    if scored and targets is not None and answers.is_outside(scored.name, targets):
        return fails(f"targets lie outside of 0 to 1, where {scored.name} has no least value")
    done: list[tuple[float, Descent]] = []
    for rate in SWEEP:
        made = robust([asked], first, trained.__contains__, rate, steps=STEPS, until=until,
                      enough=lambda d: _learnt(asked, d.last))  # fmt: skip
        if made.untouched and made.first == (asked.level[1] if asked.level else 0.0):
            return untried("the loss of the batch is at its least from the start")
        if made.untouched:
            return fails("no gradient of the loss reaches a weight, or all are 0", steps=0)
        done.append((rate, made))
        if _learnt(asked, made.last):
            break
    whole = [(rate, made) for rate, made in done if made.finite] or done
    rate, best = min(whole, key=lambda one: one[1].last if one[1].finite else math.inf)
    ground.best, ground.rate = best, rate
    lost = next(((r, made) for r, made in done if r <= USUAL and not made.finite), None)
    if lost is not None and best.finite and math.isfinite(lost[1].first):
        return fails(
            f"on its way down the loss stops being finite: after {len(lost[1].values)} steps of "
            f"Adam at {lost[0]:g}, at {_before_it(lost[1]):.3g}",
            rate=lost[0], steps=len(lost[1].values),
        )  # fmt: skip
    outcome = _judged(ground, asked, rate, best)
    if outcome.state != "passes" or not asked.is_alone(first, best.weights):
        return outcome
    return _over_all(ground, outcome)


def _before_it(made: Descent) -> float:
    return next((value for value in reversed(made.values) if math.isfinite(value)), math.nan)


def _judged(ground: Ground, asked: Stored, rate: float, best: Descent) -> Outcome:
    numbers = {"first": best.first, "last": best.last, "rate": rate, "steps": len(best.values)}
    if not math.isfinite(best.first):
        return fails("the loss of the first batch is not finite, with the weights as they were "
                     "made", **numbers)  # fmt: skip
    if not best.finite:
        return fails(f"at every rate the loss stops being finite, from {best.first:.3g}", **numbers)
    gained = f"in {len(best.values)} steps the loss went from {best.first:.3g} to {best.last:.3g}"
    if not asked.level or asked.scored is None:
        return _of_unknown(best, gained, numbers)
    chance, least = asked.level
    numbers |= {"constant": chance, "least": least}
    told = _told(asked, best.last)
    if told is None:
        return untried("every row of the batch has the same target", **numbers)
    numbers["told"] = told
    if told >= BY_HEART:
        return passes(f"learnt by heart: {gained}", **numbers)
    backwards = best.losses[-1] < best.losses[0] and best.last > max(best.first, chance) * 1.05
    if backwards:
        return fails(
            "the loss falls as it is minimised, and the answers get worse: "
            f"{asked.scored.name} of them went from {best.first:.3g} to "
            f"{best.last:.3g}, where a constant has {chance:.3g}",
            **numbers,
        )  # fmt: skip
    if best.is_falling:
        return untried(f"{gained}, and still fell", **numbers)
    if not asked.is_alone(ground.seen.weights.first, best.weights):
        return passes(f"{gained}; the loss has other terms, so that no more can be told", **numbers)
    name, (made, wanted) = asked.scored.name, asked.answered(best.weights)
    if (bound := answers.at_a_bound(name, made, wanted)) is not None:
        return fails(
            f"{gained}: {bound[1]:.0%} of the answers are exactly {bound[0]:.3g}, and targets go "
            f"on to {bound[2]:.3g}: the last activation can't reach them",
            **numbers,
        )  # fmt: skip
    larger = answers.if_unbounded(name, made, wanted, asked.scored.ignored)
    if larger is not None and larger < BOUNDED * best.last:
        return fails(
            f"{gained} and no further; were its answers larger it would be {larger:.3g}: something "
            "keeps them within bounds",
            **numbers,
        )  # fmt: skip
    if len(best.values) < STEPS_AT_LEAST:
        return untried(f"only {len(best.values)} steps could be made in time", **numbers)
    if (other := told_by_others(ground.batches, asked)) is not None:
        numbers["others"] = other
        if other > told + SMALLER:
            return fails(
                f"the model comes {max(told, 0):.0%} of the way from a constant answer by heart; a "
                f"small network that has learnt from other rows comes {other:.0%}",
                **numbers,
            )  # fmt: skip
    elif told < NOTHING:
        return fails(
            f"the loss stays at {best.last:.3g}, where a constant answer has {chance:.3g}",
            **numbers,
        )  # fmt: skip
    return passes(f"{gained}, as far as the data go", **numbers)


def _over_all(ground: Ground, outcome: Outcome) -> Outcome:
    """Judges a model that can learn one batch by heart by what it can learn of all of them."""
    batches = ground.batches
    found = [told_by_others(batches, one) for one in batches[:: max(len(batches) // OTHERS, 1)]]
    others, way = [told for told in found if told is not None], typical(batches)
    if len(others) < OTHERS or way is None:
        return outcome
    made = ground.over_all()
    reached = mean_over(batches, made.weights)
    chance = fmean(one.level[0] for one in batches if one.level)
    told, other = (chance - reached) / way, fmean(others)
    numbers = {**outcome.numbers, "told_of_all": told, "others_of_all": other}
    short = len(made.values) < STEPS or made.is_falling or not math.isfinite(told)
    if other <= told + MUCH_SMALLER or short:
        return outcome._replace(numbers=numbers)
    return fails(
        f"one batch can be learnt by heart, but over all {len(batches)} in turn Adam comes "
        f"{max(told, 0):.0%} of the way from a constant answer; a small network comes {other:.0%}, "
        "of rows that it has not seen",
        **numbers,
    )  # fmt: skip


def _of_unknown(best: Descent, gained: str, numbers: dict[str, float]) -> Outcome:
    if best.last < -ENDLESS * max(abs(best.first), 1.0):
        return untried(f"{gained}: it falls without end, as some losses may", **numbers)
    moved = best.first - best.last
    if moved > UNKNOWN_MOVED * abs(best.first) or best.is_falling:
        return passes(f"{gained} (what is possible is not known of this loss)", **numbers)
    return untried(f"{gained}, and what is possible is not known of this loss", **numbers)


def _told(asked: Stored, loss: float) -> float | None:
    assert asked.level is not None
    chance, least = asked.level
    return (chance - loss) / (chance - least) if chance - least > 1e-9 else None


def _learnt(asked: Stored, loss: float) -> bool:
    told = _told(asked, loss) if asked.level else None
    return told is not None and told >= BY_HEART
