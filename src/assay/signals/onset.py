"""When something began, as far as samples can tell."""

from __future__ import annotations

from collections.abc import Callable

from ..journal.series import Series


def onset(series: Series, wrong: Callable[[float], bool]) -> tuple[int, int]:
    """Returns between which steps a series went wrong: after its last sample that was well.

    The second is the step of the first wrong sample; a series without one gives its last step.
    """
    well = -1
    for step, value in series:
        if wrong(value):
            return well + 1, step
        well = step
    return 0, max(well, 0)
