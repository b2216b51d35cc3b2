"""What a study is told of a run: its number, or why it has none."""

from __future__ import annotations

import math

from ..trials.result import Result


def outcome(result: Result, control: Result, metric: str) -> tuple[float | None, str]:
    """Returns the metric of a run; None and the reason for one that is out of the question.

    Args:
        result: The run.
        control: The script as it is, whose own faults are held against no point.
        metric: The kind.
    """
    if result.state != "done":
        return None, result.why or result.state
    value = result.measured.values.get(metric, math.nan)
    if math.isnan(value):
        return None, f"no {metric} was seen"
    if math.isinf(value):
        return None, f"diverged: the {metric} is not finite at the end"
    new = [check for check in result.broken if check not in control.broken]
    if new:
        return None, f"exact finding: {', '.join(new)}"
    return value, ""
