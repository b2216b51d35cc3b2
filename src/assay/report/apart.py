"""Processes of one run: ranks that train together, or each by itself (hogwild, `mp.spawn`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..journal.view import RunView

MOST_LISTED = 6


def apart(view: RunView) -> tuple[int, ...]:
    """Returns numbers of processes that train each by itself; empty for one, and for ranks."""
    trained = {training.process: training.rank for training in view.trainings if training.steps}
    together = int(view.facts.get("world") or 1) > 1 or len(set(trained.values())) > 1
    return () if together or len(trained) < 2 else tuple(sorted(trained))


def ranks_among(view: RunView, processes: Collection[int]) -> tuple[list[int], int]:
    """Returns the ranks of some processes, and how many trained together; none where none did."""
    trained = {training.process: training.rank for training in view.trainings if training.steps}
    together = int(view.facts.get("world") or 1) > 1 or len(set(trained.values())) > 1
    if not together or len(trained) < 2:
        return [], 0
    return sorted(rank for p, rank in trained.items() if p in processes), len(trained)


def listed(numbers: Sequence[int]) -> str:
    """Returns `1`, `1 and 2`, `1, 2 and 5`; of many the first and how many more."""
    if len(numbers) > MOST_LISTED:
        few = ", ".join(map(str, numbers[: MOST_LISTED - 1]))
        return f"{few} and {len(numbers) - MOST_LISTED + 1} more"
    return " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))
