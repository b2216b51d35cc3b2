"""The curves of a run: which panels there are, with the limits that are drawn into them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

from ...checks.finding import Evidence, Finding
from ...journal.series import Series
from ...journal.signals import SIGNALS
from ...journal.view import RunView, Training
from ...signals.pace import seconds_per_step
from ...signals.update_ratio import Ratios, update_ratios
from ..model import Report
from ..sparkline import series_behind
from .panel import Panel
from .ranks import rank_panels
from .thinning import short

_PARTS = ("data_wait_s", "forward_s", "backward_s", "step_s", "elsewhere_s")
_MEMORY = ("memory_peak", "memory_allocated")


def panels(view: RunView, ratios: Ratios | None = None) -> list[Panel]:
    """Returns all panels for which something was recorded, in the order in which they are read.

    Args:
        view: The run.
        ratios: Update ratios by number of training, if they are known already.
    """
    if ratios is None:
        ratios = {training.index: update_ratios(training) for training in view.trainings}
    trainings = [t for t in view.trainings if t.steps and t.rank == 0] or view.trainings
    makers: tuple[Callable[[list[Training]], Panel], ...] = (
        _loss, _accuracy, _rate, _gradient, partial(_update, ratios),
        _quality, _change, _sharpness, _curvature, _scale, _memory, _time,
    )  # fmt: skip
    made = [maker(trainings) for maker in makers] + rank_panels(view)
    return [panel for panel in made if any(len(series) > 1 for _, series in panel.lines)]


def marks(report: Report, first: dict[int, int]) -> list[dict[str, Any]]:
    """Returns the findings at the steps where they begin, for all curves.

    Args:
        report: What was found.
        first: How many steps of the run lie before each training's first one.
    """
    return [
        {
            "step": finding.steps[0] + first.get(_number(finding), 0),
            "last": finding.steps[1] + first.get(_number(finding), 0),
            "own": finding.steps[0],
            "of": _phase(report, finding, first),
            "check": finding.check,
            "severity": finding.severity,
            "role": finding.role,
        }
        for finding in report.findings
        if finding.steps[1] or finding.steps[0]
    ]


def _number(finding: Finding) -> int:
    return -1 if finding.training is None else finding.training


def _phase(report: Report, finding: Finding, first: dict[int, int]) -> str:
    """Returns the training whose steps are counted, where one follows another."""
    of = next((t for t in report.view.trainings if t.index == finding.training), None)
    return str(of) if of is not None and any(first.values()) else ""


def evidence_panel(view: RunView, finding: Finding, key: str) -> Panel | None:
    """Plots what a finding was read from, with its limit; None if it is no series."""
    for evidence in finding.evidence:
        series = series_behind(view, finding, evidence)
        if len(series) > 1:
            return _of_evidence(evidence, series, key)
    return None


def _of_evidence(evidence: Evidence, series: Series, key: str) -> Panel:
    signal = SIGNALS.get(evidence.signal)
    title, unit = (signal.title, signal.unit) if signal else (evidence.signal, evidence.unit)
    panel = Panel(key, title, "", [(evidence.signal, series)], unit=unit)
    if evidence.limit is not None:
        panel.limits.append(("limit", evidence.limit))
    return panel


# -- one panel each --------------------------------------------------------------------------------


def _name(training: Training, trainings: list[Training], label: str) -> str:
    if len(trainings) == 1:
        return label
    processes = sorted({t.process for t in trainings})
    if len(processes) == 1:
        return f"{label}, {training}"
    number = processes.index(training.process) + 1
    alone = sum(t.process == training.process for t in trainings) == 1
    return f"{label}, process {number}" + ("" if alone else f", {training}")


def _plain(
    trainings: list[Training], signal: str, label: str, place: str = ""
) -> Iterator[tuple[str, Series]]:
    for training in trainings:
        yield _name(training, trainings, label), training.series(signal, place)


def _held_out(
    training: Training, trainings: list[Training], signal: str
) -> Iterator[tuple[str, Series]]:
    functions = training.places(signal)
    for function in functions:
        label = "held-out" if len(functions) == 1 else f"held-out, {function}"
        yield _name(training, trainings, label), training.series(signal, function)


def _loss(trainings: list[Training]) -> Panel:
    lines = list(_plain(trainings, "loss", "training"))
    for training in trainings:
        lines += _held_out(training, trainings, "evaluation_loss")
    return Panel("loss", "Loss", "The loss of each step, and of each evaluation.", lines)


def _accuracy(trainings: list[Training]) -> Panel:
    lines: list[tuple[str, Series]] = []
    for training in trainings:
        for place in training.places("loss_accuracy"):
            label = "training" if len(training.places("loss_accuracy")) == 1 else place
            lines.append(
                (_name(training, trainings, label), training.series("loss_accuracy", place))
            )
        lines += _held_out(training, trainings, "evaluation_accuracy")
    about = "Share of right answers, where the loss knows classes."
    return Panel("accuracy", "Accuracy", about, lines, logarithmic=False, sampled=True)


def _rate(trainings: list[Training]) -> Panel:
    lines = []
    for training in trainings:
        places = training.places("learning_rate")
        for place in places:
            # recorded when it changes: it held until the end
            series = training.series("learning_rate", place)
            if len(series) and series.steps[-1] < training.steps - 1:
                series = Series([*series, (max(training.steps - 1, 0), series.last)])
            label = "rate" if len(places) == 1 else place
            lines.append((_name(training, trainings, label), series))
    return Panel("rate", "Learning rate", "Of each parameter group.", lines, stepped=True)


def _gradient(trainings: list[Training]) -> Panel:
    about = "Of all parameters together, as the optimizer gets it."
    panel = Panel("gradient", "Gradient norm", about, sampled=True)
    panel.lines += _plain(trainings, "grad_norm", "norm")
    panel.lines += _plain(trainings, "clip_norm", "before clipping")
    limits = {v for t in trainings for v in t.series("clip_limit").values if math.isfinite(v)}
    if len(limits) == 1:
        panel.limits.append(("clipped above", limits.pop()))
    return panel


def _update(ratios: Ratios, trainings: list[Training]) -> Panel:
    about = "Length of a step over the length of the weights: largest, median and smallest layer."
    panel = Panel("update", "Update ratio", about, band=len(trainings) == 1, sampled=True)
    spread: dict[str, Callable[[list[float]], float]] = (
        {"largest": max, "median": median, "smallest": min}
        if len(trainings) == 1
        else {"median": median}
    )
    for training in trainings:
        by_step: dict[int, list[float]] = {}
        for series in ratios.get(training.index, {}).values():
            for step, ratio in series:
                if math.isfinite(ratio):
                    by_step.setdefault(step, []).append(ratio)
        ordered = sorted(by_step.items())
        for label, of in spread.items():
            found = Series((step, of(values)) for step, values in ordered)
            panel.lines.append((_name(training, trainings, label), found))
    return panel


def _quality(trainings: list[Training]) -> Panel:
    about = "Actual change of the loss over what the gradient predicts; below 0 a step does harm."
    panel = Panel("quality", "Step quality", about, logarithmic=False, sampled=True)
    panel.lines += (
        (label, series.finite()) for label, series in _plain(trainings, "step_quality", "quality")
    )
    panel.limits = [("as predicted", 1.0), ("no gain", 0.0)]
    return panel


def _sharpness(trainings: list[Training]) -> Panel:
    about = "Learning rate × largest curvature; above its limit steps overshoot and grow."
    panel = Panel("sharpness", "Rate × sharpness", about, sampled=True)
    panel.lines += _plain(trainings, "rate_times_sharpness", "rate × sharpness")
    limits = {short(t.series("stability_limit").last) for t in trainings}
    limits = {value for value in limits if math.isfinite(value)}
    if len(limits) == 1:
        panel.limits.append(("stable below", limits.pop()))
    return panel


def _change(trainings: list[Training]) -> Panel:
    about = "By how much a step changed the loss on its own batch, and what the gradient predicts."
    panel = Panel("change", "Change of the loss", about, logarithmic=False, sampled=True)
    for signal in ("predicted_change", "actual_change"):
        panel.lines += _plain(trainings, signal, SIGNALS[signal].title.lower())
    return panel


def _curvature(trainings: list[Training]) -> Panel:
    about = "Highest and lowest eigenvalue of the Hessian, in the optimizer's geometry."
    panel = Panel("curvature", "Curvature", about, unit=SIGNALS["sharpness"].unit, sampled=True)
    for signal, label in (("sharpness", "highest"), ("sharpness_min", "lowest")):
        panel.lines += _plain(trainings, signal, label)
    return panel


def _scale(trainings: list[Training]) -> Panel:
    panel = Panel("scale", "Loss scale", "Of the gradient scaler; it halves when a step overflows.")
    panel.lines += _plain(trainings, "loss_scale", "scale")
    return panel


def _memory(trainings: list[Training]) -> Panel:
    panel = Panel(
        "memory",
        "Memory",
        "Held at the end of a step, and the peak so far.",
        unit=SIGNALS["memory_peak"].unit,
    )
    for signal in _MEMORY:
        label = signal.removeprefix("memory_").replace("_", " ")
        panel.lines += _plain(trainings, signal, label)
    return panel


def _time(trainings: list[Training]) -> Panel:
    about = "Seconds on the clock for one step, and for its parts where it was sampled."
    panel = Panel("time", "Time per step", about, unit=SIGNALS["step_s"].unit)
    for training in trainings:
        pace = seconds_per_step(training)
        panel.lines.append((_name(training, trainings, "whole step"), pace))
    for signal in _PARTS:
        panel.lines += _plain(trainings, signal, SIGNALS[signal].title.lower())
    return panel
