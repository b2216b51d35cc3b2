"""All points of a study as a table in CSV."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path

from .tuned import Tuned


def write_points(tuned: Tuned) -> Path | None:
    """Writes `points.csv` into the study's folder; None if there is nothing, or no room."""
    if not tuned.tried:
        return None
    path = tuned.folder / "points.csv"
    names = [dimension.name for dimension in tuned.space]
    with contextlib.suppress(OSError), path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["number", "own", "state", *tuned.metrics, *names, "seconds", "why", "folder"]
        )
        for tried in tuned.tried:
            values = [tried.point.get(name, "") for name in names]
            told = [repr(tuned.shown(value, n)) for n, value in enumerate(tried.values)]
            told += [""] * (len(tuned.metrics) - len(told))
            rows.writerow([
                tried.number, tried.own, tried.state, *told, *values, tried.seconds, tried.why,
                tried.folder,
            ])  # fmt: skip
        return path
    return None
