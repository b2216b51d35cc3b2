"""Probe: learning-rate schedulers: how each was built, how often it steps, and on what metric."""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch.optim import lr_scheduler

from ...seams.callsite import site_of, user_frame, user_site
from ...watching.probe import Probe
from ..model.structure import plain

SCHEDULERS_AT_MOST = 64
METRICS_AT_MOST = 1000
"""Metrics written for one scheduler; a plateau of epochs has fewer."""
LINES_AT_MOST = 8
"""Lines of the script that step one scheduler and are told apart."""
DATASETS_AT_MOST = 64
SPACING = 1.1
"""Without a metric a line is written when the count of steps has grown by a tenth."""

_NOT_SETTINGS = ("optimizer", "base_lrs", "last_epoch", "best", "num_bad_epochs")
_KINDS = (lr_scheduler.LRScheduler, lr_scheduler.ReduceLROnPlateau)


class _Line:
    """A line that steps a scheduler: how often, and how often after another line, in one go.

    It is the script's `own` where it calls a `step`, and not a framework that does all.
    """

    __slots__ = ("count", "own", "site", "together")

    def __init__(self, frame: Any) -> None:
        self.site = site_of(frame)
        self.own = _called_by(frame) == "step"
        self.count = self.together = 0


class _Counted:
    """One scheduler: its steps so far, and when to write the next line."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.steps = self.metrics = self.written = 0
        self.next = 1.0
        self.lines: dict[Any, _Line] = {}
        self._training: Any = None
        self._last: tuple[_Line | None, int] = None, -1

    def step_of(self, optimizer: Any, trainings: Any) -> int:
        """Returns how often its optimizer has stepped."""
        if self._training is None or self._training.optimizer() is not optimizer:
            self._training = next((t for t in trainings if t.optimizer() is optimizer), None)
        return self._training.step if self._training is not None else 0

    def note(self, frame: Any, step: int) -> None:
        """Counts a step for the line that a frame is in."""
        key = (frame.f_code, frame.f_lineno) if frame is not None else None
        line = self.lines.get(key)
        if line is None and frame is not None and len(self.lines) < LINES_AT_MOST:
            line = self.lines[key] = _Line(frame)
        if line is not None:
            line.count += 1
            before, at = self._last
            line.together += before is not None and before is not line and at == step
        self._last = line, step


class Schedules(Probe):
    """Writes a `scheduler` line for each scheduler, and `scheduled` lines for its steps.

    `scheduler`: number, class, torch's own class that it derives from, settings (plain numbers and
    words among its attributes), the rates that it starts from and the first ones, its position in
    the schedule, the plain numbers that the function of a LambdaLR holds and the name of its
    argument, the numbers of schedulers that it steps itself, whether its `step` is torch's, the
    number of its optimizer, and the user's line. `scheduled`: how often it has stepped by which
    step of its optimizer, its position, how many passes over the training data had begun, the lines
    that stepped it, and the metric that it was given, if that is a number on the CPU.
    """

    name = "schedules"
    always: ClassVar = ("scheduler_created", "scheduler_step", "loader_begin")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._known: dict[int, _Counted] = {}
        self._passes: dict[int, int] = {}

    def on_loader_begin(self, loader: Any) -> None:
        """Counts the passes over each data set that gradients were on for."""
        key = id(getattr(loader, "dataset", None))
        if torch.is_grad_enabled() and (
            key in self._passes or len(self._passes) < DATASETS_AT_MOST
        ):
            self._passes[key] = self._passes.get(key, 0) + 1

    def on_scheduler_created(self, scheduler: Any) -> None:
        """Writes down what it was built with."""
        number = self.watch.schedulers.of(scheduler)
        if len(self._known) >= SCHEDULERS_AT_MOST or number in self._known:
            return
        self._known[number] = _Counted(number)
        optimizer = getattr(scheduler, "optimizer", None)
        held = vars(scheduler)
        self.watch.line(
            "scheduler",
            n=number,
            cls=type(scheduler).__name__,
            of=_of_torch(type(scheduler)),
            own_step=not _steps_by_torch(type(scheduler)),
            built=None if optimizer is None else self.watch.optimizers.of(optimizer),
            site=user_site(2),
            base=[float(rate) for rate in held.get("base_lrs", ())[:16]],
            first=[float(group["lr"]) for group in optimizer.param_groups[:16] if "lr" in group]
            if optimizer is not None
            else [],
            position=_position(scheduler),
            parts=[self.watch.schedulers.of(part) for part in _parts(held)],
            given=dict(_numbers_of(held.get("lr_lambdas"))),
            argument=_argument(held.get("lr_lambdas")),
            settings={
                key: plain(value)
                for key, value in map(_countless, held.items())
                if not key.startswith("_") and key not in _NOT_SETTINGS and _is_plain(value)
            },
        )

    def on_scheduler_step(self, scheduler: Any, given: Any) -> None:
        """Counts one step; the first, and then ever fewer, are written."""
        known = self._known.get(self.watch.schedulers.of(scheduler))
        if known is None:
            return
        known.steps += 1
        step = known.step_of(getattr(scheduler, "optimizer", None), self.watch.trainings)
        known.note(user_frame(2), step)
        metric = _number(given) if "num_bad_epochs" in vars(scheduler) else None
        if metric is not None and known.metrics < METRICS_AT_MOST:
            known.metrics += 1
        elif known.steps < known.next:
            return
        self._write(known, step, metric, _position(scheduler))

    def finish(self) -> None:
        """Writes the last counts."""
        step = max((t.step for t in self.watch.trainings), default=0)
        for known in self._known.values():
            if known.steps > known.written:
                self._write(known, step, None, None)

    def _write(
        self, known: _Counted, step: int, metric: float | None, position: float | None
    ) -> None:
        known.written, known.next = known.steps, max(known.steps + 1, known.steps * SPACING)
        self.watch.line(
            "scheduled",
            n=known.number,
            s=step,
            count=known.steps,
            metric=metric,
            position=position,
            passes=max(self._passes.values(), default=0),
            lines=[[x.site, x.count, x.together, x.own] for x in known.lines.values()],
        )


def _called_by(caller: Any) -> str:
    """Returns the name of the function that a frame, which is one of the callers, has called."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_back is not caller:
        frame = frame.f_back
    return "" if frame is None else str(frame.f_code.co_name)


def _of_torch(kind: type) -> str:
    """Returns torch's own class that a scheduler's class is or derives from."""
    return next(k.__name__ for k in kind.__mro__ if k.__module__ == lr_scheduler.__name__)


def _steps_by_torch(kind: type) -> bool:
    """Whether `step` is a method of torch's own, so that each call of it was heard."""
    owner = next((k for k in kind.__mro__ if "step" in vars(k)), None)
    return owner is not None and owner.__module__ == lr_scheduler.__name__


def _parts(held: dict[str, Any]) -> Iterator[Any]:
    """Yields the schedulers that another one holds, and steps."""
    for value in held.values():
        for part in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(part, _KINDS):
                yield part


def _position(scheduler: Any) -> float | None:
    """Returns where in its schedule it stands."""
    position = vars(scheduler).get("last_epoch")
    return float(position) if isinstance(position, (int, float)) else None


def _numbers_of(functions: Any) -> Iterator[tuple[str, float]]:
    """Yields the plain numbers that the first function of a LambdaLR was given or closes over.

    They are read where they lie; the function is not called.
    """
    function = functions[0] if isinstance(functions, (list, tuple)) and functions else None
    held: dict[str, Any] = dict(getattr(function, "keywords", None) or {})  # functools.partial
    if inspect.isfunction(function):
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        for name, cell in cells:
            try:
                held[name] = cell.cell_contents
            except ValueError:  # it is filled later
                continue
    elif function is not None and not held:
        held = dict(getattr(function, "__dict__", {}))
    for name, value in list(held.items())[:16]:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, float(value)


def _argument(functions: Any) -> str | None:
    """Returns what the first function of a LambdaLR calls what it is given."""
    function = functions[0] if isinstance(functions, (list, tuple)) and functions else None
    code = getattr(function, "__code__", None)
    return code.co_varnames[0] if code is not None and code.co_argcount == 1 else None


def _countless(item: tuple[str, Any]) -> tuple[str, Any]:
    """Returns milestones as a list: torch holds them in a Counter."""
    key, value = item
    return key, sorted(value.elements()) if isinstance(value, Counter) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) <= 16 and all(isinstance(item, (int, float, str)) for item in value)
    return isinstance(value, (int, float, bool, str))


def _number(given: Any) -> float | None:
    """Returns the metric as a number; on an accelerator, reading it would wait: None."""
    if isinstance(given, torch.Tensor) and not (given.is_cpu and given.numel() == 1):
        return None
    try:
        return float(given)
    except (TypeError, ValueError):
        return None
