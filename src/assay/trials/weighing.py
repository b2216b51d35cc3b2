"""What differences between paired runs prove, and whether another seed can decide.

A group-sequential test. The first look is made at as many seeds as a verdict rests on, and another
one after each further seed, up to the most that are allowed:

- the interval of Student's t at each look, with half of what is left of the 5 % (the last look has
  all that is left): alpha spending of Lan and DeMets 1983, joined by Bonferroni's inequality, so
  that nothing has to be known of how the looks hang together;
- the sign test of all seeds: where a trick does nothing, all n favour it with a probability of at
  most 2^-n, and all of n + 1 only if all of n did, so that looking on costs nothing (Wald 1945).

Each of the two may prove with a chance of 2.5 % what is none. One seed that gets worse ends the
matter: no more seeds are spent on it. `benchmarks/false_proofs.py` measures the false proofs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .statistics import LEVEL, Effect, compare, quantile

Outcome = Literal["proved", "helps too", "no effect", "refused", "harmful", "undecided"]
"""`helps too`: as sure as a proof, but it leaves a fault standing; `refused`: the number is better,
but the run has learnt nothing, or has an illness more."""

SMALLEST = 0.02
"""An effect below 2 % of the control's metric is none that anyone would change a script for."""


class Weighed(NamedTuple):
    """What the numbers say.

    Attributes:
        outcome: The verdict as far as numbers decide it.
        why: One sentence on it.
        open: Whether another seed can decide.
    """

    outcome: Outcome
    why: str
    open: bool = False


def spent(n: int, wanted: int, most: int) -> float:
    """Returns the share of the 5 % that the interval at n seeds has.

    Args:
        n: Seeds so far.
        wanted: Seeds of the first look.
        most: Seeds of the last one.
    """
    look = max(n - wanted, 0) + 1
    return 0.5 ** (look if n < most else look - 1)


def weigh_runs(
    control: Sequence[float],
    treated: Sequence[float],
    *,
    candidates: float = 1,
    wanted: int = 3,
    most: int = 0,
) -> tuple[Effect, Weighed]:
    """Weighs runs of the same seeds against each other.

    Args:
        control: The control's metric, lower is better, inf for a run that came to nothing.
        treated: Of the same seeds, in the same order.
        candidates: Among how many the 5 % are shared.
        wanted: How many seeds a verdict rests on.
        most: How many may be added until it is decided; no more than `wanted` if it is less.
    """
    most = max(most, wanted)
    divisor = candidates / spent(len(control), wanted, most)
    effect = compare(control, treated, divisor)
    said = weigh(effect, candidates, wanted, most)
    if said.outcome == "undecided" and math.isnan(effect.mean):
        said = _weigh_capped(control, treated, divisor, candidates, wanted, most) or said
    return effect, said


def weigh(effect: Effect, candidates: float = 1, wanted: int = 3, most: int = 0) -> Weighed:
    """Returns the verdict on an effect, and why.

    Proved: every seed improves, and either the interval of the mean lies beyond both the noise of
    the seeds and 2 %, or the mean does and there are so many seeds that chance does not make all of
    them improve. For the interval, there must be so many that it is no chance either where runs
    work or do not (4^-n). Where runs are not finite there is no interval: then every control run
    must have come to nothing and no treated one, which chance does with a probability of at most
    4^-n; or every seed must improve, 2^-n; or the interval must show it with such runs counted like
    the worst of the others. Harmful is the same with the signs turned round.
    """
    n, alpha, most = len(effect.differences), (1 - LEVEL) / candidates, max(most, wanted)
    up, down = (all(sign * d > 0 for d in effect.differences) for sign in (1, -1))
    if n < min(wanted, 2):
        return Weighed("undecided", f"{n} of {wanted} seeds were run")
    left = n < most and (up or down)
    if math.isnan(effect.mean):
        return _without_numbers(effect, up=up, down=down, alpha=alpha, left=left)
    smallest = SMALLEST if effect.relative else SMALLEST * effect.scale
    beyond = max(_known(effect.noise), smallest)
    # runs that work or do not, nothing in between, differ all by the same, and t is no guide
    enough = 4.0**-n <= alpha
    if up and enough and effect.low > beyond:
        return Weighed(
            "proved", f"all {n} seeds improve, the interval lies beyond the noise of the seeds"
        )
    if down and enough and effect.high < -beyond:
        return Weighed(
            "harmful", f"all {n} seeds get worse, the interval lies beyond the noise of the seeds"
        )
    if n < wanted:
        return Weighed("undecided", f"{n} of {wanted} seeds were run")
    if (up or down) and 0.5**n <= alpha / 2 and abs(effect.mean) > beyond:
        how = f"chance alone does that once in {2**n}"
        if up:
            return Weighed("proved", f"all {n} seeds improve: {how}")
        return Weighed("harmful", f"all {n} seeds get worse: {how}")
    # 95 % of the differences between two sets of control runs are below this
    usual = _known(effect.floor) * quantile(1 - (1 - LEVEL) / 2, n - 1) if n > 1 else 0.0
    if abs(effect.mean) <= smallest:
        return Weighed("no effect", "below 2 %")
    if abs(effect.mean) <= usual:
        return Weighed("no effect", "no more than another seed would change", left)
    if up or down:
        but = "the interval is too wide" if enough else "for so many candidates they are too few"
        if 4.0**-n > 1 - LEVEL:
            but = "so few prove nothing"
        why = f"all {n} seeds agree, but {but}: more seeds decide"
        return Weighed("undecided", why, left)
    return Weighed("undecided", "the seeds do not agree")


def _without_numbers(effect: Effect, *, up: bool, down: bool, alpha: float, left: bool) -> Weighed:
    n, whole = len(effect.differences), all(map(math.isinf, effect.differences))
    chance = (4.0 if whole else 2.0) ** -n
    if up and chance <= alpha:
        return Weighed(
            "proved",
            "the control came to nothing, every treated run did not"
            if whole
            else f"all {n} seeds improve, and runs of the control came to nothing",
        )
    if down and chance <= alpha:
        return Weighed(
            "harmful",
            "every treated run came to nothing, the control did not"
            if whole
            else f"all {n} seeds get worse, and treated runs came to nothing",
        )
    if not any(effect.differences):
        return Weighed("undecided", "the runs of both sides came to nothing")
    return Weighed("undecided", "some runs came to nothing: more seeds decide", left)


def _weigh_capped(
    control: Sequence[float],
    treated: Sequence[float],
    divisor: float,
    candidates: float,
    wanted: int,
    most: int,
) -> Weighed | None:
    """Returns the verdict if a run that came to nothing counts like the worst that did not.

    The same limit for both sides leaves the differences symmetric where a trick does nothing, and
    makes what such a run has cost smaller than it was. None if that proves nothing.
    """
    finite = [value for value in (*control, *treated) if math.isfinite(value)]
    if not finite:
        return None
    worst = max(finite)
    before, after = ([min(value, worst) for value in side] for side in (control, treated))
    said = weigh(compare(before, after, divisor), candidates, wanted, most)
    if said.outcome not in ("proved", "harmful"):
        return None
    also = "runs that came to nothing counted like the worst of the others"
    return Weighed(said.outcome, f"{said.why}, {also}")


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value
