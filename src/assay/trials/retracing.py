"""The extra run that traces one step: which operation made the first value that is not finite."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..journal.events import COMPILE, NONFINITE_EARLY, NONFINITE_LOSS, NONFINITE_TRACED
from ..journal.second_runs import TRACED, read_traced
from ..journal.view import RunView, Training
from ..signals.traced import tracing_of
from .alone import Working, run_alone
from .child import Child, Command
from .files import PutBack
from .plan import CONTROL, Job

RUNS_AT_MOST = 3
"""A weight that was not finite before the traced steps says which step to trace instead."""
PATIENCE = 5.0
"""Times the first run's duration, and a minute: a traced step takes longer, the others do not."""
AS_CHECKED: Mapping[str, object] = {"seed_offset": None, "comparable": False}
"""Settings of a run of `assay check`, where a trial's are others."""


@dataclass(slots=True)
class Traced:
    """What came of it: whether the operation was found, and what the runs did to files."""

    found: bool = False
    files: PutBack = field(default_factory=PutBack)


def target(view: RunView) -> tuple[int, int] | str:
    """Returns the training and the step to trace; why none can be traced, or "" without need."""
    broken = _broken(view)
    if broken is None or is_told(view):
        return ""
    step, index, training = broken
    if several(view):
        return "several processes train"
    if training.process:
        return "it is not the first process that trains"
    if not training.optimizer:
        return "the weights are changed by hand, without an optimizer whose steps could be counted"
    return index, step


def several(view: RunView) -> bool:
    """Whether several processes train together: the batches of one alone say nothing of it."""
    return int(view.facts.get("world") or 1) > 1


def is_told(view: RunView) -> bool:
    """Whether the run's record says already which operation broke it."""
    broken = _broken(view)
    return broken is not None and tracing_of(view, broken[2], broken[0]) is not None


def _broken(view: RunView) -> tuple[int, int, Training] | None:
    """Returns the first step that something was not finite at, with its training."""
    found = [
        (step, training.index, training)
        for training in view.trainings
        for step in [_first_broken(training)]
        if step is not None
    ]
    found = found or _unstepped(view) or _unseen(view)
    return min(found, key=lambda each: each[:2], default=None)


def _unstepped(view: RunView) -> list[tuple[int, int, Training]]:
    """Returns the loss at which a script that failed ended by itself, before a step was taken."""
    if not view.facts.get("exit_code"):
        return []
    return [
        (event.step, training.index, training)
        for event in view.events(NONFINITE_LOSS)
        for training in view.trainings
        if event.training in (None, training.index) and event.step >= training.steps
    ]


def _unseen(view: RunView) -> list[tuple[int, int, Training]]:
    """Returns where weights were not finite first that had been, though no loss shows it."""
    found = []
    for training in view.trainings:
        for place in training.places("weight_nonfinite_share"):
            shares = training.series("weight_nonfinite_share", place)
            if len(shares) and not shares.first:
                found += [(step, training.index, training) for step, share in shares if share][:1]
    return found


def _first_broken(training: Training) -> int | None:
    return next((s for s, loss in training.series("loss") if not math.isfinite(loss)), None)


def trace(
    view: RunView,
    command: Command,
    folder: Path,
    working: Working,
    settings: Mapping[str, object],
) -> Traced:
    """Traces the step at which a run broke, and adds to the run's record what is found.

    Args:
        view: The run, which gets the event or the reason why there is none.
        command: What was run.
        folder: The run's folder, where what is found is kept.
        working: Is told, often, of the run in progress.
        settings: Of the run's child that are not those of a trial's control.

    Raises:
        KeyboardInterrupt: Ctrl-C; the script is ended first.
        LaunchError: It can't be started.
    """
    traced, asked = Traced(), target(view)
    if asked == "":
        return traced
    if isinstance(asked, str):
        _keep(folder, view, {"training": 0, "data": None, "why": asked})
        return traced
    training, step = asked
    data: dict[str, Any] | None = None
    why = "the second run met nothing that is not finite at that step"
    for _ in range(RUNS_AT_MOST):
        told = {**settings, "trace": {"training": training, "step": step}, "keep_files": True}
        second = _run(view, command, _fresh(folder), working, told, traced.files)
        event = next(second.events(NONFINITE_TRACED), None)
        if event is not None:
            differs = _differs(view, second, training)
            data = {**event.data, "differs_from": differs, "compiled": any(view.events(COMPILE))}
            break
        early = next(second.events(NONFINITE_EARLY), None)
        if early is None or early.data["at"] >= step:
            why = second.skipped.get("forensics", why)
            break
        step = early.data["at"]
        training = training if early.training is None else early.training
    _keep(folder, view, {"training": training, "data": data, "why": None if data else why})
    traced.found = data is not None
    return traced


def _keep(folder: Path, view: RunView, note: dict[str, Any]) -> None:
    """Adds what was found, or why nothing was, to the run's record and to its folder."""
    with contextlib.suppress(OSError):
        (folder / TRACED).write_text(json.dumps(note) + "\n", encoding="utf-8")
    read_traced(note, view)


def _fresh(folder: Path) -> Path:
    number = 1
    while (path := folder / f"traced-{number}").exists():
        number += 1
    return path


def _run(
    view: RunView,
    command: Command,
    path: Path,
    working: Working,
    told: Mapping[str, object],
    files: PutBack,
) -> RunView:
    """Makes one run and returns its record; its files are put back."""
    limit = PATIENCE * float(view.facts.get("seconds") or 0) + 60
    unjudged = replace(command, checks=())  # the first run is what is judged
    child = Child(unjudged, Job(CONTROL, 0, None, limit), path, told=told)
    return run_alone(child, working, files)[1]


def _differs(view: RunView, second: RunView, training: int) -> int | None:
    """Returns the first step whose loss is another one in the second run; None if none is."""
    if training >= len(second.trainings):
        return None
    before = view.trainings[training].series("loss")
    for step, loss in second.trainings[training].series("loss"):
        known = before.at(step) if before.has(step) else math.nan
        if not (known == loss or (known != known and loss != loss)):
            return step
    return None
