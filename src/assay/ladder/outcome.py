"""What came of one rung."""

from __future__ import annotations

from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """One rung: `passes`, `fails` or `untried`, and in one clause what was seen, or why not.

    Attributes:
        state: One of the three.
        said: A clause for the report; of an untried rung the reason.
        numbers: What was measured, for those who want to judge it themselves.
    """

    state: str
    said: str
    numbers: dict[str, Any]


def passes(said: str, **numbers: Any) -> Outcome:
    """Returns that the rung holds."""
    return Outcome("passes", said, numbers)


def fails(said: str, **numbers: Any) -> Outcome:
    """Returns that the rung does not hold."""
    return Outcome("fails", said, numbers)


def untried(why: str, **numbers: Any) -> Outcome:
    """Returns that nothing can be said of the rung, and why."""
    return Outcome("untried", why, numbers)
