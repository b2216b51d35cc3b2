"""What a study is told of a run: its number, or why it has none."""

from __future__ import annotations

import math

from ..trials.result import Result
from .terms import Terms


def outcome(result: Result, terms: Terms) -> tuple[float | None, str]:
    """Returns the metric of a run; None and the reason for one that is out of the question.

    Args:
        result: The run.
        terms: Of the search.
    """
    if result.state != "done":
        return None, result.why or result.state
    value = result.measured.values.get(terms.metric, math.nan)
    if math.isnan(value):
        return None, f"no {terms.metric} was seen"
    if math.isinf(value):
        return None, f"diverged: the {terms.metric} is not finite at the end"
    new = [check for check in result.broken if check not in terms.broken]
    if new:
        return None, f"exact finding: {', '.join(new)}"
    return value, ""
