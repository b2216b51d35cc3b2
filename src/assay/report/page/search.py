"""A search on the page: its history, what mattered, each dimension, and every point's run."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...tuning.space import Dimension, Value
from ...tuning.tuned import Tuned
from ..console import clean
from ..ending import counted
from ..sentence import sentence

if TYPE_CHECKING:
    from ...tuning.study import Tried

WIDE, NARROW, HIGH = 720, 360, 220
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 34
ROOM = 16
"""Below the values, for points that have none."""
LOG = 20.0
"""Values that are all above 0 and spread by more than this factor are drawn over the logarithm."""


class Axis:
    """Where values lie between two ends of a drawing.

    Args:
        values: All that will be drawn; numbers, or choices where `choices` are given.
        begin, end: Of the axis, in the units of the drawing.
        log: Over the logarithm; None: where the values call for it.
        choices: In order, for values that are no numbers.
    """

    def __init__(
        self,
        values: Sequence[float],
        begin: float,
        end: float,
        *,
        log: bool | None = None,
        choices: Sequence[Value] = (),
    ) -> None:
        self._begin, self._end, self._choices = begin, end, list(choices)
        low, high = min(values, default=0.0), max(values, default=1.0)
        self.log = (low > 0 and high > LOG * low) if log is None else log
        self._low, self._high = self._at(low), self._at(high)
        self._ends = (low, high)

    def __call__(self, value: Value) -> float:
        """Returns the place of a value."""
        if self._choices:
            share = (self._choices.index(value) + 0.5) / len(self._choices)
        else:
            span = self._high - self._low
            share = (self._at(float(value)) - self._low) / span if span > 0 else 0.5
        return round(self._begin + share * (self._end - self._begin), 1)

    def marks(self) -> list[dict[str, Any]]:
        """Returns what is written along it."""
        if self._choices:
            return [{"at": self(c), "text": clean(_short(c))} for c in self._choices]
        return [{"at": self(value), "text": _short(value)} for value in dict.fromkeys(self._ends)]

    def _at(self, value: float) -> float:
        return math.log(value) if self.log else value


def search_context(tuned: Tuned, page: Path) -> dict[str, Any]:
    """Returns all that the template says of a search.

    Args:
        tuned: The search.
        page: Where the page will lie, for links to the runs.
    """
    points = {t.number: _point(tuned, t, page) for t in tuned.tried if t.state != "left"}
    found = tuned.importances
    return {
        "headline": _headline(tuned),
        "metrics": [clean(metric) for metric in tuned.metrics],
        "names": [clean(dimension.name) for dimension in tuned.space],
        "points": list(points.values()),
        "front": [t.number for t in tuned.front] if tuned.others else [],
        "history": _history(tuned, points),
        "slices": [_slice(tuned, d, points) for d in tuned.space] if tuned.done else [],
        "parallel": _parallel(tuned, points) if tuned.done and len(tuned.space) > 1 else None,
        "importances": [
            {"name": clean(name), "said": f"{mean:.0%}", "range": f"{low:.0%} to {high:.0%}",
             "mean": round(100 * mean, 1), "low": round(100 * low, 1),
             "width": round(max(100 * (high - low), 0.8), 1)}
            for name, (mean, low, high) in found.shares.items()
        ] if found else [],
        "method": f"{found.method} over {counted(found.points, 'point')}" if found else "",
        "cautions": [sentence(caution) for caution in tuned.cautions],
    }  # fmt: skip


def _headline(tuned: Tuned) -> str:
    ended = counted(len(tuned.done) + len(tuned.pruned), "point")
    if not tuned.done:
        return f"{ended}, none of which ended with a number."
    best = tuned.done[0]
    name = "the script as it is" if best.own else f"point {best.number}"
    assert best.value is not None
    return f"{ended} by {tuned.sampler}; the best is {name}, {tuned.metric} {_value(tuned, best)}."


def _point(tuned: Tuned, tried: Tried, page: Path) -> dict[str, Any]:
    run = Path(tried.folder) / "report.html" if tried.folder else None
    href = ""
    if run is not None and run.exists():
        href = os.path.relpath(run, page.parent).replace(os.sep, "/")
    setting = ", ".join(f"{n} {_short(v)}" for n, v in tried.point.items())
    said = _value(tuned, tried) if tried.values else tried.why
    best = bool(tuned.done) and tried.number == tuned.done[0].number
    kind = "own" if tried.own else "best" if best else tried.state
    return {
        "number": tried.number,
        "href": href,
        "kind": kind,
        "values": [f"{tuned.shown(v, n):.4g}" for n, v in enumerate(tried.values)],
        "setting": [clean(_short(tried.point.get(d.name, ""))) for d in tuned.space],
        "why": sentence(tried.why) if tried.why else "",
        "title": clean(f"point {tried.number}: {said}; {setting}"),
    }


def _value(tuned: Tuned, tried: Tried) -> str:
    return ", ".join(f"{tuned.shown(v, n):.4g}" for n, v in enumerate(tried.values))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _first(tuned: Tuned, tried: Tried) -> float:
    assert tried.value is not None
    return tuned.shown(tried.value)


def _history(tuned: Tuned, points: dict[int, dict[str, Any]]) -> dict[str, Any] | None:
    """Draws the metric of each point in the order in which they were asked for."""
    if not tuned.done:
        return None
    values = [_first(tuned, t) for t in tuned.done]
    known = [tuned.shown(tuned.control)] if math.isfinite(tuned.control) else []
    y = Axis([*values, *known], HIGH - BOTTOM - ROOM * bool(tuned.pruned), TOP)
    last = max(points)
    x = Axis([0.0, float(max(last, 1))], LEFT, WIDE - RIGHT, log=False)
    best, line = math.inf, list[str]()
    for tried in sorted(tuned.done, key=lambda t: t.number):
        assert tried.value is not None
        at = x(tried.number)
        if line:
            line.append(f"{at},{y(tuned.shown(best))}")
        best = min(best, tried.value)
        line.append(f"{at},{y(tuned.shown(best))}")
    line.append(f"{WIDE - RIGHT},{y(tuned.shown(best))}")
    return {
        "line": " ".join(line),
        "control": y(known[0]) if known else None,
        "y": y.marks(),
        "x": [{"at": x(0), "text": "0"}, {"at": x(last), "text": str(last)}],
        "dots": [
            {"x": x(t.number), "y": y(_first(tuned, t)), **points[t.number]} for t in tuned.done
        ],
        "crosses": [{"x": x(t.number), "y": HIGH - BOTTOM, **points[t.number]}
                    for t in tuned.pruned],
        "log": y.log,
    }  # fmt: skip


def _slice(tuned: Tuned, dimension: Dimension, points: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Draws the metric over one dimension."""
    x = _axis(dimension, LEFT, NARROW - RIGHT)
    y = Axis([_first(tuned, t) for t in tuned.done], HIGH - BOTTOM, TOP)
    return {
        "name": clean(dimension.name),
        "x": x.marks(),
        "y": y.marks(),
        "dots": [
            {"x": x(t.point[dimension.name]), "y": y(_first(tuned, t)), **points[t.number]}
            for t in tuned.done
            if dimension.name in t.point
        ],
    }


def _parallel(tuned: Tuned, points: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Draws each point as a line over all dimensions, to the metric; the worst first."""
    count = len(tuned.space)
    width = max(WIDE, 130 * (count + 1))
    places = [LEFT + (width - 2 * LEFT) * n / count for n in range(count + 1)]
    axes = [_axis(d, HIGH - BOTTOM, TOP) for d in tuned.space]
    axes.append(Axis([_first(tuned, t) for t in tuned.done], HIGH - BOTTOM, TOP))
    lines = []
    for rank, tried in enumerate(tuned.done):
        values = [*(tried.point[d.name] for d in tuned.space), _first(tuned, tried)]
        path = " ".join(
            f"{round(p, 1)},{axis(v)}" for p, axis, v in zip(places, axes, values, strict=True)
        )
        grade = 1 if rank < len(tuned.done) / 10 else 2 if rank < len(tuned.done) / 3 else 3
        lines.append({"path": path, "grade": grade, **points[tried.number]})
    names = [*(clean(d.name) for d in tuned.space), clean(tuned.metric)]
    return {
        "width": width,
        "lines": lines[::-1],
        "axes": [
            {"at": round(place, 1), "name": name, "marks": axis.marks()}
            for place, name, axis in zip(places, names, axes, strict=True)
        ],
    }


def _axis(dimension: Dimension, begin: float, end: float) -> Axis:
    if dimension.choices:
        return Axis([0.0, 1.0], begin, end, log=False, choices=dimension.choices)
    return Axis([dimension.low, dimension.high], begin, end, log=dimension.log)
