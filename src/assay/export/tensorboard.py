"""TensorBoard: an event file for each training, all numbers of a step in one event."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from ..checks.finding import Finding
from ..journal.view import RunView, Training
from ..report.model import Report
from . import events
from .measured import Measured, measured

PATTERN = "events.out.tfevents.*.assay"
"""Our files; TensorBoard itself looks for `tfevents` in a name."""


def name(report: Report) -> str:
    """Returns the event file's name: the same for every export of a run."""
    return PATTERN.replace("*", f"{_started(report.view):.0f}")


def folders(report: Report, target: Path) -> dict[Path, list[Training]]:
    """Returns the folder of each training's event file: TensorBoard tells them apart by it."""
    trainings = report.view.trainings
    if len(trainings) < 2:
        return {target: trainings}
    return {target / _name(training): [training] for training in trainings}


def _name(training: Training) -> str:
    optimizer = re.sub(r"\W+", "-", training.optimizer, flags=re.ASCII) or "by-hand"
    return f"{training.index}-{optimizer}"[:60]


def records(report: Report, trainings: Iterable[Training], *, findings: bool) -> Iterator[bytes]:
    """Yields all records of one event file, steps ascending."""
    started = _started(report.view)
    yield events.version(started)
    if findings and report.findings:
        first = min(max(finding.steps[0], 0) for finding in report.findings)
        text = "\n\n".join(map(_told, report.findings))
        yield events.markdown(started, first, "findings", text)
    for training in trainings:
        clock = _Clock(report.view, training, started)
        series = list(measured(training))
        heads = [events.head(one.tag) for one in series]
        tails = {n: events.description(one.description) for n, one in enumerate(series)}
        rows = heapq.merge(
            *(_numbered(number, one) for number, one in enumerate(series)), key=itemgetter(0)
        )
        for step, at_step in groupby(rows, key=itemgetter(0)):
            values = ((heads[n], value, tails.pop(n, b"")) for _, n, value in at_step)
            yield events.scalars(clock.at(step), step, values)


def _numbered(number: int, one: Measured) -> Iterator[tuple[int, int, float]]:
    return ((step, number, value) for step, value in one.series)


def _told(finding: Finding) -> str:
    """Returns a finding as Markdown."""
    lines = [f"**{finding.severity}: {finding.check}** ({finding.tier}) {finding.where}".rstrip()]
    lines += [finding.summary, finding.why, *(f"- {advice}" for advice in finding.try_)]
    return "\n\n".join(lines)


def _started(view: RunView) -> float:
    """Returns when the run began, in seconds since 1970; 0 if nobody noted it."""
    try:
        return datetime.fromisoformat(view.facts["started"]).timestamp()
    except (KeyError, TypeError, ValueError):
        times = [p.get("time") for p in view.facts.get("processes", ())]
        return min((float(t) for t in times if isinstance(t, (int, float))), default=0.0)


class _Clock:
    """The time of day of a step, from the times that the blocks of steps carry."""

    def __init__(self, view: RunView, training: Training, started: float) -> None:
        self._times = iter(training.series("time_s"))
        self._ahead = next(self._times, None)
        self._offset, self._now = 0.0, started
        for process in view.facts.get("processes", ()):
            time, moment = process.get("time"), process.get("t")
            if process.get("rank") == training.rank and time and moment:
                self._offset = float(time) - float(moment)
                break

    def at(self, step: int) -> float:
        """Returns the end of the last block before `step`; steps ascend."""
        while self._ahead is not None and self._ahead[0] <= step:
            if self._offset:
                self._now = self._offset + self._ahead[1]
            self._ahead = next(self._times, None)
        return self._now
