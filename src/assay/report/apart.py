"""Processes of one run that train each by itself: hogwild, `mp.spawn` without a process group."""

from __future__ import annotations

from ..journal.view import RunView


def apart(view: RunView) -> tuple[int, ...]:
    """Returns their numbers; empty where one process trained alone, or all of them together."""
    trained = {training.process: training.rank for training in view.trainings if training.steps}
    together = int(view.facts.get("world") or 1) > 1 or len(set(trained.values())) > 1
    return () if together or len(trained) < 2 else tuple(sorted(trained))
