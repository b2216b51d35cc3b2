"""Optuna's grid, for whoever asks and tells: there is no loop of Optuna's to end."""

from __future__ import annotations

from typing import Any

from optuna.samplers import GridSampler


class Grid(GridSampler):
    """Optuna's grid; who asks counts its points, where Optuna would end its own loop."""

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        """Does nothing."""
