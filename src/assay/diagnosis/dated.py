"""When the evidence of a finding was measured, and how often: read from the series behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..checks.finding import Evidence, Finding
from ..journal.series import Series
from ..journal.signals import SIGNALS
from ..journal.view import RunView, Training


def dated(run: RunView, finding: Finding) -> Finding:
    """Returns the finding with the steps of its evidence, where a check has not given them."""
    return replace(finding, evidence=tuple(_dated(run, finding, e) for e in finding.evidence))


def _dated(run: RunView, finding: Finding, evidence: Evidence) -> Evidence:
    if evidence.samples is not None or evidence.signal not in SIGNALS:
        return evidence
    series = next(filter(len, _series(run, finding, evidence)), None)
    if series is None:
        return evidence
    return replace(evidence, steps=(series.steps[0], series.steps[-1]), samples=len(series))


def _series(run: RunView, finding: Finding, evidence: Evidence) -> Iterator[Series]:
    places = [evidence.place, finding.where.parameter, finding.where.module, ""]
    if finding.where.group is not None:
        places.append(f"group {finding.where.group}")
    for training in _trainings(run, finding):
        for place in dict.fromkeys(place for place in places if place is not None):
            yield training.series(evidence.signal, place)
    for training in _trainings(run, finding):  # a loss call's place, or a class
        for place in training.places(evidence.signal):
            yield training.series(evidence.signal, place)


def _trainings(run: RunView, finding: Finding) -> list[Training]:
    own = [t for t in run.trainings if t.index == finding.training]
    return own or [t for t in run.trainings if t.process == finding.process]
