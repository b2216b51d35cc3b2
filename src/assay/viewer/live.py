"""A run's curves for a page that asks again and again: only what is new since the last time."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..journal.follow import Follower
from ..journal.series import Series
from ..report.page.curves import panels
from ..report.page.panel import Panel
from ..signals.update_ratio import update_ratios
from .runs import state

LATE = 256
"""Samples may be written so many steps after the losses of theirs: these are told again."""
KEPT = 8
"""Runs whose record is held in memory."""
CALM = 4
"""The page waits so many times as long as an answer takes: a long record must not keep us busy."""


class Record:
    """One run as far as it is known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._follower = Follower(folder)
        self._lock = threading.Lock()
        self._panels: list[tuple[Panel, dict[str, Any]]] | None = None

    def since(self, step: int) -> dict[str, Any]:
        """Curves after a step; all of them after -1.

        Returns:
            `panels` as the report's page has them; `since`: what to ask for next, a page forgets
            what it holds past that step; `wait_ms`: how long not to ask; `running`, `state`,
            `steps`.

        Raises:
            OSError: The record can't be read.
        """
        began = time.monotonic()
        with self._lock:
            view, news = self._follower.read()
            if news or self._panels is None:
                ratios = {t.index: update_ratios(t) for t in view.trainings}
                self._panels = [(each, each.as_data()) for each in panels(view, ratios)]
            # a scale is chosen by all values, not by the latest
            shown = [
                whole if step < 0 else {**_after(panel, step).as_data(), "log": whole["log"]}
                for panel, whole in self._panels
            ]
        said, running = state(self._folder, view.facts)
        progress = [t.steps for t in view.trainings if t.rank == 0 and t.steps]
        took = time.monotonic() - began
        return {
            "state": said,
            "running": running,
            "steps": view.steps,
            "since": max(min(progress, default=0) - LATE, -1),
            "wait_ms": max(1000, round(CALM * took * 1000)) if running else None,
            "panels": shown,
        }


def _after(panel: Panel, step: int) -> Panel:
    """Returns the panel with what lies after a step."""
    lines = []
    for label, series in panel.lines:
        first = bisect_right(series.steps, step)
        tail = Series(zip(series.steps[first:], series.values[first:], strict=True))
        lines.append((label, tail))
    return replace(panel, lines=lines)


class Records:
    """The runs that were asked for lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: OrderedDict[Path, Record] = OrderedDict()

    def of(self, folder: Path) -> Record:
        """Returns a run's record; the one that was not asked for longest makes room."""
        with self._lock:
            record = self._records.pop(folder, None) or Record(folder)
            self._records[folder] = record
            while len(self._records) > KEPT:
                self._records.popitem(last=False)
        return record
