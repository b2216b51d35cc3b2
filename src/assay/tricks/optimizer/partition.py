"""Groups of an optimizer divided further, for the length of each step.

Weight decay that spares biases and a rate per layer need finer groups than most scripts make. The
script's own groups stay as they are between steps, so that schedulers with one value per group,
logging of `param_groups[0]` and checkpoints keep working; the step itself sees the finer ones.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from operator import is_
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ...seams.hub import Hub
    from ..stage import Stage

Label = Callable[[Any, Any], Hashable]
"""(optimizer, parameter): parameters of a group with equal labels stay together."""

Settle = Callable[[Any, dict[str, Any], Any], None]
"""(optimizer, divided group, label): changes the settings of the group."""


@dataclass(slots=True)
class _Open:
    """An optimizer in its step: its own groups; of each part, whose it is, itself, and a copy."""

    optimizer: Any
    own: list[dict[str, Any]]
    divided: list[tuple[int, dict[str, Any], dict[str, Any]]]

    def show_divided(self) -> None:
        self.optimizer.param_groups = [part for _, part, _ in self.divided]

    def show_own(self) -> None:
        for index, part, before in self.divided:
            if len(part) > len(before) or not all(map(is_, part.values(), before.values())):
                # what the step itself keeps in its groups, such as a count
                changed = {k: v for k, v in part.items() if v is not before.get(k)}
                changed.pop("params", None)
                self.own[index].update(changed)
        self.optimizer.param_groups = self.own


class Partition:
    """All divisions at one hub: each parameter is in exactly one group, once."""

    _known: ClassVar[weakref.WeakKeyDictionary[Hub, Partition]] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._rules: list[tuple[Stage, Label, Settle]] = []
        self._covered: weakref.WeakSet[Any] = weakref.WeakSet()
        self._parts: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._open: list[_Open | None] = []

    @classmethod
    def divide(cls, stage: Stage, label: Label, settle: Settle) -> None:
        """Divides the groups of every optimizer that a stage means, from now on."""
        mine = cls._known.setdefault(stage.hub, cls())
        rule = stage, label, settle
        mine._rules.append(rule)
        mine._parts.clear()

        def leave() -> None:
            mine._close()
            mine._rules.remove(rule)
            mine._parts.clear()
            if not mine._rules:
                cls._known.pop(stage.hub, None)

        stage.patches.on_undo(leave)
        stage.each_optimizer(lambda optimizer: mine._cover(stage, optimizer))
        stage.on("step_begin", mine._close)  # an outermost one: if one is open, it has raised

    def _cover(self, stage: Stage, optimizer: Any) -> None:
        if optimizer in self._covered:
            return
        self._covered.add(optimizer)
        stage.patches.on_undo(lambda: self._covered.discard(optimizer))
        # an optimizer's own hooks run inside all that is announced of its step
        for hook in (
            optimizer.register_step_pre_hook(self._begin),
            optimizer.register_step_post_hook(self._end),
            optimizer.register_state_dict_pre_hook(self._show_own),
            optimizer.register_state_dict_post_hook(self._show_divided),
            optimizer.register_load_state_dict_pre_hook(self._show_own),
            optimizer.register_load_state_dict_post_hook(self._show_divided),
        ):
            stage.patches.on_undo(hook.remove)

    def _begin(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._open_of(optimizer) is not None:
            self._open.append(None)  # a step that calls the step of its base class
            return
        own = optimizer.param_groups
        rules = [rule for rule in self._rules if rule[0].meant(optimizer)]
        sizes = [len(group["params"]) for group in own]
        known = self._parts.get(optimizer)
        if known is None or known[0] != sizes:
            known = self._parts[optimizer] = sizes, self._sort(optimizer, own, rules)
        divided = []
        for index, labels, parameters in known[1]:
            part = {**own[index], "params": parameters}
            for (_, _, settle), label in zip(rules, labels, strict=True):
                settle(optimizer, part, label)
            divided.append((index, part, part.copy()))
        entry = _Open(optimizer, own, divided)
        self._open.append(entry)
        entry.show_divided()

    def _sort(self, optimizer: Any, own: Any, rules: Any) -> list[tuple[int, Any, list[Any]]]:
        seen: set[int] = set()
        sorted_: dict[Any, list[Any]] = {}
        for index, group in enumerate(own):
            for p in group["params"]:
                if id(p) not in seen:
                    seen.add(id(p))
                    labels = tuple(label(optimizer, p) for _, label, _ in rules)
                    sorted_.setdefault((index, labels), []).append(p)
        return [(index, labels, held) for (index, labels), held in sorted_.items()]

    def _end(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._merge()

    def _close(self, *_: Any) -> None:
        while self._open:
            self._merge()

    def _merge(self) -> None:
        if self._open and (entry := self._open.pop()) is not None:
            entry.show_own()

    def _open_of(self, optimizer: Any) -> _Open | None:
        for entry in self._open:
            if entry is not None and entry.optimizer is optimizer:
                return entry
        return None

    def _show_own(self, optimizer: Any, *_: Any) -> None:
        """Shows the optimizer's own groups while it is saved or loaded."""
        if (entry := self._open_of(optimizer)) is not None:
            entry.show_own()

    def _show_divided(self, optimizer: Any, *_: Any) -> None:
        if (entry := self._open_of(optimizer)) is not None:
            entry.own = optimizer.param_groups  # loading makes them anew
            entry.show_divided()
