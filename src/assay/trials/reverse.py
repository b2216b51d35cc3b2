"""The reverse proof: what became of the control's findings under a remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .result import Result


@dataclass(frozen=True, slots=True)
class Reverse:
    """What became of the control's findings with the remedy on.

    Attributes:
        gone: Checks that found something in the control, judged a treated run and found nothing in
            any of them.
        left: Checks that still find something in a treated run.
        born: Checks that found something (no note) in a treated run, and nothing in any control.
        hidden: Broken invariants that are no longer seen, though nothing was done about them: a
            remedy for what was measured does not mend what is written in the script.
        standing: Those that are left and that no cure may leave: broken invariants, and errors.
        broken: Those of them that are broken invariants.
        brought: New ones that no cure may bring. Where it mends a broken invariant, or the control
            came to nothing, these are broken invariants and errors alone: anything else may have
            been there before, and is uncovered by it.
        mends: Whether what it is for is broken invariants, and none of them is left.
    """

    gone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    born: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    brought: tuple[str, ...] = ()
    mends: bool = False


def reverse_proof(
    control: Mapping[int, Result], treated: Mapping[int, Result], own: tuple[str, ...] = ()
) -> Reverse:
    """Compares what is found in treated runs with what is found in the control's.

    Args:
        control: Runs by seed.
        treated: Runs by seed.
        own: The checks that the candidate is a remedy for.
    """
    ill = _found(control, "error", "warning")
    ever, still = _found(control), _found(treated)
    broken, also_broken = (
        frozenset[str]().union(*(r.broken for r in runs.values())) for runs in (control, treated)
    )
    judged = [r.silent for r in treated.values() if r.silent is not None]
    # results of an earlier version do not say which checks were silent
    looked = frozenset[str]().union(*judged) if judged else ill
    absent = ill - still
    hidden = (absent & broken) - set(own) if broken.isdisjoint(own) else frozenset[str]()
    left, born = ill & still, _found(treated, "error", "warning") - ever
    grave = also_broken | _found(treated, "error")
    standing = (left & (broken | _found(treated, "error"))) | hidden
    mends = bool(own) and broken.issuperset(own) and still.isdisjoint(own)
    brought = born & grave if mends or _came_to_nothing(control) else born
    return Reverse(
        gone=tuple(sorted((absent & looked) - hidden)),
        left=tuple(sorted(left)),
        born=tuple(sorted(born)),
        hidden=tuple(sorted(hidden)),
        standing=tuple(sorted(standing)),
        broken=tuple(sorted(standing & broken)),
        brought=tuple(sorted(brought)),
        mends=mends and bool(treated),
    )


def _came_to_nothing(control: Mapping[int, Result]) -> bool:
    """Whether no run of the control ended with a finite number: little could be judged in it."""
    values = [value for r in control.values() for value in r.measured.values.values()]
    return bool(values) and not any(map(math.isfinite, values))


def _found(runs: Mapping[int, Result], *severities: str) -> frozenset[str]:
    return frozenset[str]().union(*(r.checks(*severities) for r in runs.values()))
