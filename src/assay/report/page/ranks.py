"""All ranks of one training on the same axes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from statistics import median

from ...journal.series import Series
from ...journal.signals import SIGNALS
from ...journal.view import RunView, Training
from ...signals.pace import seconds_per_step
from .panel import MOST_LINES, Panel

MOST = 0.5
"""A rank is named where it is the highest of all on more than this share of the steps."""


def rank_panels(view: RunView) -> list[Panel]:
    """Returns a panel each for loss, gradient norm, step time and data wait; none of one rank.

    Up to eight ranks have a line each; of more, the highest, the median and the lowest are drawn at
    each step, and the rank is named that is the highest at most of them.
    """
    ranks = by_rank(view)
    if len(ranks) < 2:
        return []
    panels: tuple[tuple[str, str, str, str, Callable[[Training], Series]], ...] = (
        ("loss", "Loss by rank", "Of each rank's own batches.", "", lambda t: t.series("loss")),
        (
            "gradient", "Gradient norm by rank",
            "As the optimizer gets it: one line where ranks average their gradients.", "",
            lambda t: t.series("grad_norm"),
        ),
        (
            "time", "Time per step by rank", "Ranks that wait for each other take equally long.",
            SIGNALS["step_s"].unit, seconds_per_step,
        ),
        (
            "wait", "Data wait by rank", "How long each rank waits for its loader in a step.",
            SIGNALS["data_wait_s"].unit, lambda t: t.series("data_wait_s"),
        ),
    )  # fmt: skip
    made = []
    for key, title, about, unit, of in panels:
        panel = Panel(f"{key}-ranks", title, about, unit=unit, sampled=key in ("gradient", "wait"))
        lines = {rank: of(training) for rank, training in ranks.items()}
        _draw(panel, {rank: series for rank, series in lines.items() if len(series)})
        made.append(panel)
    return made


def by_rank(view: RunView) -> dict[int, Training]:
    """Returns the longest training of each rank, in the order of ranks; a restart's last counts."""
    found: dict[int, Training] = {}
    for training in view.trainings:
        known = found.get(training.rank)
        newer = known is not None and training.process > known.process
        if known is None or newer or training.steps > known.steps:
            found[training.rank] = training
    return {rank: found[rank] for rank in sorted(found) if found[rank].steps}


def _draw(panel: Panel, lines: dict[int, Series]) -> None:
    if len(lines) <= MOST_LINES:
        panel.lines += ((f"rank {rank}", series) for rank, series in lines.items())
        return
    values: dict[int, list[tuple[float, int]]] = {}
    for rank, series in lines.items():
        for step, value in series:
            if math.isfinite(value):
                values.setdefault(step, []).append((value, rank))
    rows = sorted((step, sorted(row)) for step, row in values.items())
    panel.band = True
    panel.lines += [
        ("highest", Series((step, row[-1][0]) for step, row in rows)),
        ("median", Series((step, median(value for value, _ in row)) for step, row in rows)),
        ("lowest", Series((step, row[0][0]) for step, row in rows)),
    ]
    panel.about += f" Highest, median and lowest of {len(lines)} ranks."
    apart = [row[-1][1] for _, row in rows if len(row) > 1 and row[-1][0] > row[-2][0]]
    if apart:
        rank, count = Counter(apart).most_common(1)[0]
        if count > MOST * len(rows):
            panel.about += f" Rank {rank} is the highest at {count / len(rows):.0%} of these steps."
