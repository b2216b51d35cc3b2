"""Batch norm whose statistics are taken over few values."""

from __future__ import annotations

from statistics import median

from ..journal.view import Training


def is_small(training: Training, place: str, rows: float, values: float, ranks: int = 1) -> bool:
    """Whether a typical batch has so few rows, or values a channel, of all ranks together."""
    row = median(training.series("norm_rows", place).values)
    value = median(training.series("norm_values", place).values)
    return row * ranks <= rows or value * ranks <= values


def is_off(training: Training, place: str, offset: float, samples: int) -> bool:
    """Whether the mean of a batch lay so many deviations from that of the others, later on.

    False where a signal of this norm has fewer samples than asked for.
    """
    signals = ("norm_rows", "norm_values", "norm_offset")
    series = [training.series(name, place).finite() for name in signals]
    if min(map(len, series)) < samples:
        return False
    offsets = series[2].values
    return median(offsets[len(offsets) // 2 :]) > offset
