"""Heat maps of depth against step: one row a layer, packed into few bytes."""

from __future__ import annotations

import base64
import math
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from ...journal.events import MODEL
from ...journal.series import Series
from ...journal.signals import SIGNALS
from ...journal.view import RunView, Training
from ...signals.update_ratio import Ratios
from .thinning import short

MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 400, 120, 24_000
"""Bounds of one map; the page stays below 2 MB with all of them."""
MISSING, ZERO, FIRST, LAST, NOT_FINITE = 0, 1, 2, 65534, 65535
"""Codes of a cell: `FIRST` to `LAST` run from the lowest value of the map to its highest."""
MOST_MODULES = 3000
_NEVER = (None, None)

_OF_PARAMETERS = (
    ("grad_norm", "log"),
    ("update_ratio", "log"),
    ("grad_max", "log"),
    ("grad_zero_share", "share"),
    ("grad_nonfinite_share", "share"),
)
_OF_MODULES = (
    ("activation_std", "log"),
    ("activation_zero_share", "share"),
    ("activation_saturated_share", "share"),
    ("dead_unit_share", "share"),
    ("activation_nonfinite_share", "share"),
)


def layers(view: RunView, ratios: Ratios) -> dict[str, Any]:
    """Returns all maps of a run and what is known of the rows' places; none without a sample.

    Args:
        view: The run.
        ratios: Update ratios by number of training.

    A cell holds the lowest and the highest value of its stretch of samples. Columns hold equal
    numbers of samples, which lie densest in the first steps.
    """
    trainings = [t for t in view.trainings if t.rank == 0] or view.trainings
    matrices = {p.name for p in view.parameters if len(p.shape) > 1}
    order = {p.name: i for i, p in enumerate(view.parameters)}
    modules = {m.name: i for i, m in enumerate(view.modules)}
    maps = []
    for signal, scale in _OF_PARAMETERS:
        found = _by_place(trainings, signal, ratios)
        names = sorted((n for n in found if n), key=lambda name: order.get(name, len(order)))
        if len(names) > MOST_ROWS // 2 and any(name in matrices for name in names):
            names = [name for name in names if name in matrices]
        maps += _map(signal, _title(signal), scale, names, found)
    for signal, scale in _OF_MODULES:
        found = _by_place(trainings, signal, ratios)
        names = sorted((n for n in found if n), key=lambda name: modules.get(name, len(modules)))
        maps += _map(signal, _title(signal), scale, names, found)
    shown = {name for each in maps for name in each["rows"]}
    return {
        "maps": maps,
        "modules": {m.name: m.kind for m in view.modules[:MOST_MODULES]} if maps else {},
        "roots": sorted({str(event.data["root"]) for event in view.events(MODEL)}),
        "parameters": {
            p.name: {"shape": list(p.shape), "dtype": p.dtype, "trainable": p.trainable}
            for p in view.parameters
            if p.name in shown
        },
    }


def _title(signal: str) -> str:
    return "Update ratio" if signal == "update_ratio" else SIGNALS[signal].title


def _by_place(trainings: Sequence[Training], signal: str, ratios: Ratios) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for training in trainings:
        places: Mapping[str, Series] = training.signals.get(signal, {})
        if signal == "update_ratio":
            places = ratios.get(training.index, {})
        for place, series in places.items():
            found.setdefault(place, series)
    return found


def _map(
    key: str, title: str, scale: str, names: list[str], found: dict[str, Series]
) -> list[dict[str, Any]]:
    """Returns one map, or none: a share that was 0 everywhere has nothing to show."""
    left_out = max(len(names) - MOST_ROWS, 0)
    names = _evenly(names, MOST_ROWS)
    longest = max((found[name] for name in names), key=len, default=Series())
    if len(longest) < 2:
        return []
    most = min(MOST_COLUMNS, max(MOST_CELLS // len(names), 24), len(longest))
    begins = [longest.steps[i * len(longest) // most] for i in range(most)]
    cells = [_cells(found[name], begins) for name in names]
    met = [v for row in cells for cell in row if cell for v in cell]
    finite = [v for v in met if math.isfinite(v)]
    if len(finite) == len(met) and (not met or (scale == "share" and not max(met) > 0)):
        return []
    low, high = (0.0, 1.0) if scale == "share" else _range(finite)
    return [
        {
            "key": key,
            "title": title,
            "scale": scale,
            "rows": names,
            "left_out": left_out,
            "steps": begins,
            "last": longest.steps[-1],
            "low": low,
            "high": high,
            "cells": _packed(cells, low, high, logarithmic=scale == "log"),
        }
    ]


def _evenly(names: list[str], most: int) -> list[str]:
    if len(names) <= most:
        return names
    return [names[i * len(names) // most] for i in range(most)]


def _cells(series: Series, begins: Sequence[int]) -> list[tuple[float, float] | None]:
    """Returns lowest and highest value of each column; nan where a value is not finite."""
    steps, values = series.steps, series.values
    edges = [bisect_left(steps, begin) for begin in begins]
    edges.append(len(steps))
    row: list[tuple[float, float] | None] = []
    for column in range(len(begins)):
        stretch = values[edges[column] : edges[column + 1]]
        if not stretch:
            row.append(None)
        elif math.isfinite(sum(stretch)) or all(map(math.isfinite, stretch)):
            row.append((min(stretch), max(stretch)))
        else:
            row.append((math.nan, math.nan))
    return row


def _range(finite: list[float]) -> tuple[float, float]:
    """Returns the span of the logarithmic scale; zeros have a code of their own."""
    positive = [value for value in finite if value > 0]
    if not positive:
        return 1.0, 1.0
    return short(min(positive) * 0.9999), short(max(positive) * 1.0001)


def _packed(
    cells: list[list[tuple[float, float] | None]], low: float, high: float, *, logarithmic: bool
) -> str:
    """Packs low and high of each cell, row by row, 16 bits each, little-endian, in base64."""
    begin = math.log(low) if logarithmic else low
    span = (math.log(high) if logarithmic else high) - begin
    each = (LAST - FIRST) / span if span > 0 else 0.0
    size = math.log if logarithmic else float
    flat = [v for row in cells for cell in row for v in (_NEVER if cell is None else cell)]
    packed = array(
        "H",
        [
            MISSING if v is None
            else ZERO if v <= 0
            else FIRST + min(round((size(v) - begin) * each), LAST - FIRST) if v < math.inf
            else NOT_FINITE
            for v in flat
        ],
    )  # fmt: skip
    if array("H", [1]).tobytes() != b"\x01\x00":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode("ascii")
