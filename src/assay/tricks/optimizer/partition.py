"""Groups of an optimizer divided further, for the length of each step.

Weight decay that spares biases and a rate per layer need finer groups than most scripts make. The
script's own groups stay as they are between steps, so that schedulers with one value per group,
logging of `param_groups[0]` and checkpoints keep working; the step itself sees the finer ones.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ...seams.hub import Hub
    from ..stage import Stage

Label = Callable[[Any, Any], Hashable]
"""(optimizer, parameter): parameters of a group with equal labels stay together."""

Settle = Callable[[Any, dict[str, Any], Any], None]
"""(optimizer, divided group, label): changes the settings of the group."""


class Partition:
    """All divisions at one hub: each parameter is in exactly one group, once."""

    _known: ClassVar[weakref.WeakKeyDictionary[Hub, Partition]] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._rules: list[tuple[Stage, Label, Settle]] = []
        self._covered: weakref.WeakSet[Any] = weakref.WeakSet()
        self._parts: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._open: list[tuple[Any, Any, list[dict[str, Any]], list[tuple[int, Any]]] | None] = []
        self._in_closure = False

    @classmethod
    def divide(cls, stage: Stage, label: Label, settle: Settle) -> None:
        """Divides the groups of every optimizer that a stage means, from now on."""
        mine = cls._known.setdefault(stage.hub, cls())
        rule = stage, label, settle
        mine._rules.append(rule)
        mine._parts.clear()

        def leave() -> None:
            mine._in_closure = False
            mine._close()
            mine._rules.remove(rule)
            mine._parts.clear()
            if not mine._rules:
                cls._known.pop(stage.hub, None)

        stage.patches.on_undo(leave)
        stage.each_optimizer(lambda optimizer: mine._cover(stage, optimizer))
        stage.on("closure_begin", mine._set_inside(True))
        stage.on("closure_end", mine._set_inside(False))
        for event in ("step_begin", "zero_grad", "backward_begin"):  # a step that raised is open
            stage.on(event, mine._close)

    def _cover(self, stage: Stage, optimizer: Any) -> None:
        if optimizer in self._covered:
            return
        self._covered.add(optimizer)
        # an optimizer's own hooks run inside all that is announced of its step
        before = optimizer.register_step_pre_hook(self._begin)
        after = optimizer.register_step_post_hook(self._end)
        stage.patches.on_undo(before.remove)
        stage.patches.on_undo(after.remove)
        stage.patches.on_undo(lambda: self._covered.discard(optimizer))

    def _begin(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if any(entry is not None and entry[0] is optimizer for entry in self._open):
            self._open.append(None)  # a step that calls the step of its base class
            return
        own = optimizer.param_groups
        rules = [rule for rule in self._rules if rule[0].meant(optimizer)]
        sizes = [len(group["params"]) for group in own]
        known = self._parts.get(optimizer)
        if known is None or known[0] != sizes:
            known = self._parts[optimizer] = sizes, self._sort(optimizer, own, rules)
        divided, given = [], []
        for index, labels, parameters in known[1]:
            part = {**own[index], "params": parameters}
            for (_, _, settle), label in zip(rules, labels, strict=True):
                settle(optimizer, part, label)
            divided.append(part)
            given.append((index, {k: v for k, v in part.items() if k != "params"}))
        self._open.append((optimizer, own, divided, given))
        optimizer.param_groups = divided

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

    def _set_inside(self, inside: bool) -> Callable[..., None]:  # noqa: FBT001
        def note(*_: Any) -> None:
            self._in_closure = inside

        return note

    def _close(self, *_: Any) -> None:
        while self._open and not self._in_closure:
            self._merge()

    def _merge(self) -> None:
        if not self._open or (entry := self._open.pop()) is None:
            return
        optimizer, own, divided, given = entry
        for (index, before), part in zip(given, divided, strict=True):
            # what the step itself keeps in its groups, such as a count
            changed = {k: v for k, v in part.items() if k != "params" and v is not before.get(k)}
            own[index].update(changed)
        optimizer.param_groups = own
