"""The pruners: when a run is given up on its way, each one of Optuna's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

MARKS = 10
"""A run is compared with others after each tenth of its steps."""
PRUNERS = {
    "none": "every run goes on to its end",
    "median": "worse than the median of those before it at the same step",
    "asha": "successive halving: the best third goes on",
    "hyperband": "several of them, which begin to give up at different steps",
    "wilcoxon": "worse than the best on the seeds so far, by a test of signed ranks (--repeat)",
}
"""By name, with whom each gives up; the first is the usual one."""
SEEDWISE = "wilcoxon"
"""Compares runs with several seeds, not a run on its way."""


def make_pruner(name: str) -> BasePruner:
    """Makes a pruner; Optuna's own settings, but for how long a run is.

    Args:
        name: One of `PRUNERS`.
    """
    from optuna import pruners

    if name == "median":
        return pruners.MedianPruner()
    if name == "asha":
        return pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    if name == "hyperband":
        return pruners.HyperbandPruner(min_resource=1, max_resource=MARKS - 1)
    if name == SEEDWISE:
        return pruners.WilcoxonPruner()
    return pruners.NopPruner()
