"""Making one optimizer out of another without exchanging the object that the script holds."""

from __future__ import annotations

import functools
import inspect
import weakref
from typing import Any

_HOOKS = "_hooks"


class Swap:
    """An optimizer turned into another kind; `undo` turns it back.

    The object, its parameters, its groups' rates and all hooks stay; schedulers that hold it and a
    GradScaler go on. Settings of the same name that the script chose itself are kept.

    Args:
        optimizer: any torch optimizer.
        kind: the class that it becomes.
        defaults: settings of the new kind that differ from its own defaults.
    """

    def __init__(self, optimizer: Any, kind: Any, defaults: dict[str, Any]) -> None:
        self._optimizer = weakref.ref(optimizer)
        self._kind, self._before = type(optimizer), dict(vars(optimizer))
        takes = set(inspect.signature(kind.__init__).parameters)
        usual = _defaults(self._kind)
        groups = []
        for group in optimizer.param_groups:
            chosen = {k: v for k, v in group.items() if k in takes and _is_chosen(k, v, usual)}
            kept = {k: v for k, v in group.items() if k in ("params", "lr", "initial_lr", "max_lr")}
            groups.append({**defaults, **chosen, **kept})
        hooks = {k: v for k, v in vars(optimizer).items() if k.endswith(_HOOKS)}
        vars(optimizer).clear()
        optimizer.__class__ = kind
        kind.__init__(optimizer, groups)
        for name, held in hooks.items():
            getattr(optimizer, name, {}).update(held)
        if "step" in self._before:
            self._keep_counting(optimizer, kind)

    def undo(self) -> None:
        """Makes it what it was, with the rates that it has now."""
        optimizer = self._optimizer()
        if optimizer is None:
            return
        rates = [
            {k: g[k] for k in ("lr", "initial_lr", "max_lr") if k in g}
            for g in optimizer.param_groups
        ]
        hooks = {k: v for k, v in vars(optimizer).items() if k.endswith(_HOOKS)}
        vars(optimizer).clear()
        optimizer.__class__ = self._kind
        vars(optimizer).update(self._before)
        vars(optimizer).update(hooks)
        for group, rate in zip(optimizer.param_groups, rates, strict=False):
            group.update(rate)

    @staticmethod
    def _keep_counting(optimizer: Any, kind: Any) -> None:
        """Keeps the `step` that a scheduler put onto the object, to warn of a wrong order."""
        known = weakref.ref(optimizer)

        @functools.wraps(kind.step)
        def step(*args: Any, **kwargs: Any) -> Any:
            held: Any = known()
            held._opt_called = True
            return kind.step(held, *args, **kwargs)

        step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
        optimizer.step = step


def _defaults(kind: Any) -> dict[str, Any]:
    parameters = inspect.signature(kind.__init__).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _is_chosen(key: str, value: Any, usual: dict[str, Any]) -> bool:
    return key in usual and value != usual[key] and value is not None
