"""The rate that a step is taken with: set when it begins, put back when it ends.

The script's own scheduler, recursive ones included, finds its rates as it left them. All tricks on
the rate share one desk, so that what one sets is what the next one changes, and so that the
script's value is put back once and not by each.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..per_optimizer import PerOptimizer

if TYPE_CHECKING:
    from ...seams.hub import Hub
    from ..stage import Stage


@dataclass(slots=True)
class Rate:
    """Rate of one group at one step: `base` is what the script began with, `now` what is used."""

    base: float
    now: float


@dataclass(slots=True)
class Course:
    """One optimizer's steps so far, and what each group's rate began with."""

    steps: int = 0
    bases: list[float] = field(default_factory=list)


Act = Callable[[Any, int, list[Rate]], None]
"""Changes the rates of an optimizer's groups: (optimizer, step, rates)."""


def scale(rates: list[Rate], factor: float) -> None:
    """Multiplies the rates, as if the script had begun with these."""
    for rate in rates:
        rate.base, rate.now = rate.base * factor, rate.now * factor


def set_top(rates: list[Rate], number: float) -> None:
    """Sets the largest rate, the others in proportion, as if begun with these."""
    top = max([rate.base for rate in rates], default=0.0) or 1.0
    for rate in rates:
        # at the first rate itself the quotient is exactly 1 and the number is used as given
        rate.base, rate.now = number * (rate.base / top), number * (rate.now / top)


class Rates:
    """The rates of all optimizers at one hub."""

    _desks: ClassVar[weakref.WeakKeyDictionary[Hub, Rates]] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._acts: list[tuple[Stage, Act]] = []
        self._courses = PerOptimizer(Course)
        self._stepping: Course | None = None
        self._held: list[tuple[dict[str, Any], Any, Any]] = []
        self.warmup = 0

    @classmethod
    def change(cls, stage: Stage, act: Act) -> Rates:
        """Has an act change the rates of the optimizers that a stage means, from now on."""
        desk = cls._desks.setdefault(stage.hub, cls())
        if not desk._acts:
            stage.hub.on("step_begin", desk._begin, acting=True)
            stage.hub.on("step_end", desk._end, acting=True)
            stage.hub.on("step_skipped", desk._restore, acting=True)
        entry = stage, act
        desk._acts.append(entry)

        def leave() -> None:
            desk._acts.remove(entry)
            if not desk._acts:
                desk._restore()
                stage.hub.off("step_begin", desk._begin)
                stage.hub.off("step_end", desk._end)
                stage.hub.off("step_skipped", desk._restore)
                cls._desks.pop(stage.hub, None)

        stage.patches.on_undo(leave)
        return desk

    def _begin(self, optimizer: Any, has_closure: Any) -> None:
        if self._held:  # a step that raised has not ended
            self._restore()
        course = self._stepping = self._course_of(optimizer)
        groups, rates = [], []
        for base, group in zip(course.bases, optimizer.param_groups, strict=False):
            if group.get("lr") is not None:  # Adafactor may find its own
                groups.append(group)
                rates.append(Rate(base, float(group["lr"])))
        for stage, act in self._acts:
            if stage.meant(optimizer):
                act(optimizer, course.steps, rates)
        for rate, group in zip(rates, groups, strict=True):
            own = group["lr"]
            if rate.now != float(own):
                # a tensor stays a tensor: a captured or compiled step reads it by reference
                used = own.new_full((), rate.now) if hasattr(own, "new_full") else rate.now
                group["lr"] = used
                self._held.append((group, own, used))

    def _end(self, optimizer: Any) -> None:
        self._restore()
        if self._stepping is not None:
            self._stepping.steps += 1

    def _restore(self, *_: Any) -> None:
        for group, own, used in self._held:
            if group["lr"] is used:  # else the script has set another one meanwhile
                group["lr"] = own
        self._held.clear()

    def _course_of(self, optimizer: Any) -> Course:
        course = self._courses.of(optimizer)
        for group in optimizer.param_groups[len(course.bases) :]:
            # a scheduler notes where it began; a one-cycle its top, which is what one gives it
            first = group.get("initial_lr", group.get("lr") or 0.0)
            course.bases.append(float(group.get("max_lr", first)))
        return course

    def state_dict(self) -> dict[str, Any]:
        """Returns each optimizer's steps and first rates, in the order of their first steps."""
        courses = self._courses.all()
        return {"optimizers": [(course.steps, list(course.bases)) for course in courses]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there, with optimizers that come in the same order."""
        self._courses.resume(
            [Course(int(n), [float(base) for base in bases]) for n, bases in state["optimizers"]]
        )
