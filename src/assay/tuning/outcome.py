"""What a study is told of a point: its numbers, or why it has none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from ..trials.result import Result
from .metric import Metric
from .terms import Terms


def outcome(
    results: Sequence[Result], terms: Terms, others: Sequence[Metric] = ()
) -> tuple[tuple[float, ...] | None, str]:
    """Returns the metrics of a point, each a mean over its seeds; None and the reason without them.

    Args:
        results: Its runs, one a seed.
        terms: Of the search.
        others: What is made small beside the first metric.
    """
    for result in results:
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
    values = [fmean(result.measured.values[terms.metric] for result in results)]
    for metric in others:
        value = fmean(metric.value(result) for result in results)
        if not math.isfinite(value):
            return None, f"no {metric.kind} was seen"
        values.append(value)
    return tuple(values), ""
