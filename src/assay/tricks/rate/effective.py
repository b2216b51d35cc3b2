"""The rate that a step is taken with: set when it begins, put back when it ends.

The script's own scheduler, recursive ones included, finds its rates as it left them. All tricks on
the rate share one desk, so that what one sets is what the next one changes, and so that the
script's value is put back once and not by each.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ...seams.hub import Hub
    from ..stage import Stage


@dataclass(slots=True)
class Rate:
    """Of one group at one step: `base` is what the script began with, `now` what is used."""

    base: float
    now: float


Act = Callable[[Any, int, list[Rate]], None]
"""Changes the rates of an optimizer's groups: (optimizer, step, rates)."""


def scale(rates: list[Rate], factor: float) -> None:
    """As if the script had begun with its rates times a factor."""
    for rate in rates:
        rate.base, rate.now = rate.base * factor, rate.now * factor


def set_top(rates: list[Rate], number: float) -> None:
    """As if the script had begun with this as its largest rate, the others in proportion."""
    top = max((rate.base for rate in rates), default=0.0) or 1.0
    for rate in rates:
        # at the first rate itself the quotient is exactly 1 and the number is used as given
        rate.base, rate.now = number * (rate.base / top), number * (rate.now / top)


class Rates:
    """The rates of all optimizers at one hub."""

    _desks: ClassVar[weakref.WeakKeyDictionary[Hub, Rates]] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._acts: list[tuple[Stage, Act]] = []
        self._steps: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._bases: weakref.WeakKeyDictionary[Any, list[float]] = weakref.WeakKeyDictionary()
        self._held: list[tuple[dict[str, Any], Any, Any]] = []
        self._kept: list[tuple[int, list[float]]] = []
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
        self._restore()  # a step that raised has not ended
        step, bases = self._known(optimizer)
        groups = [group for group in optimizer.param_groups if group.get("lr") is not None]
        rates = [Rate(base, float(g["lr"])) for base, g in zip(bases, groups, strict=False)]
        for stage, act in self._acts:
            if stage.meant(optimizer):
                act(optimizer, step, rates)
        for rate, group in zip(rates, groups, strict=True):
            own = group["lr"]
            if rate.now != float(own):
                # a tensor stays a tensor: a captured or compiled step reads it by reference
                used = own.new_full((), rate.now) if hasattr(own, "new_full") else rate.now
                group["lr"] = used
                self._held.append((group, own, used))

    def _end(self, optimizer: Any) -> None:
        self._restore()
        self._steps[optimizer] = self._steps.get(optimizer, 0) + 1

    def _restore(self, *_: Any) -> None:
        for group, own, used in self._held:
            if group["lr"] is used:  # else the script has set another one meanwhile
                group["lr"] = own
        self._held.clear()

    def _known(self, optimizer: Any) -> tuple[int, list[float]]:
        if optimizer not in self._steps:
            self._steps[optimizer], self._bases[optimizer] = (
                self._kept.pop(0) if self._kept else (0, [])
            )
        bases = self._bases[optimizer]
        for group in optimizer.param_groups[len(bases) :]:
            # a scheduler notes where it began; a one-cycle its top, which is what one gives it
            first = group.get("initial_lr", group.get("lr", 0.0))
            bases.append(float(group.get("max_lr", first)))
        return self._steps[optimizer], bases

    def state_dict(self) -> dict[str, Any]:
        """Steps done and first rates of each optimizer, in the order of their first steps."""
        return {"optimizers": [(n, list(self._bases[o])) for o, n in self._steps.items()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there, with optimizers that come in the same order."""
        kept = [(int(n), [float(base) for base in bases]) for n, bases in state["optimizers"]]
        for optimizer in list(self._steps):
            if kept:
                self._steps[optimizer], self._bases[optimizer] = kept.pop(0)
        self._kept = kept
