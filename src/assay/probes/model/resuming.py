"""Probe: weights that come from a file which holds an optimizer's state too, and that state not."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from math import isclose
from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...watching.probe import Probe

FILES_AT_MOST = 16
THINGS_AT_MOST = 10_000
DEPTH_AT_MOST = 4
TENSORS_AT_MOST = 64
SETTINGS = ("betas", "momentum", "nesterov", "weight_decay", "eps", "amsgrad", "alpha", "rho")


class _File:
    """What a loaded file holds: some of its tensors, and the settings of optimizers with moments.

    No tensor of it is kept alive.
    """

    def __init__(self, content: Any) -> None:
        self.groups: list[list[dict[str, Any]]] = []
        self.moments: list[int] = []
        self.tensors: list[weakref.ref[torch.Tensor]] = []
        for thing in _things(content):
            if isinstance(thing, torch.Tensor):
                if len(self.tensors) < TENSORS_AT_MOST:
                    self.tensors.append(weakref.ref(thing))
            elif moments := _moments(thing):
                self.moments.append(moments)
                self.groups.append([
                    {key: value for key, value in group.items() if key != "params"}
                    | {"count": len(group.get("params", ()))}
                    for group in thing["param_groups"]
                ])  # fmt: skip

    def holds(self, tensors: Any) -> bool:
        """Whether one of these tensors came from the file."""
        known = {id(one) for ref in self.tensors if (one := ref()) is not None}
        return any(id(tensor) in known for tensor in tensors)


def _is_state(thing: Any) -> bool:
    return (
        isinstance(thing, Mapping)
        and isinstance(thing.get("state"), Mapping)
        and isinstance(thing.get("param_groups"), list)
        and all(isinstance(group, Mapping) for group in thing["param_groups"])
    )


def _moments(thing: Any) -> int:
    """Returns for how many parameters an optimizer's state has tensors beside a count of steps."""
    if not _is_state(thing):
        return 0
    return sum(
        any(isinstance(v, torch.Tensor) and v.dim() for k, v in kept.items() if k != "step")
        for kept in thing["state"].values()
        if isinstance(kept, Mapping)
    )


def _things(content: Any, depth: int = 0) -> Iterator[Any]:
    """Yields tensors and optimizers' states, without what is inside the latter."""
    if isinstance(content, torch.Tensor) or _is_state(content):
        yield content
    elif depth < DEPTH_AT_MOST and isinstance(content, (Mapping, list, tuple)):
        parts = content.values() if isinstance(content, Mapping) else content
        for count, part in enumerate(parts):
            if count < THINGS_AT_MOST:
                yield from _things(part, depth + 1)


class Resuming(Probe):
    """Writes a `not_restored` event when an optimizer takes its first step on resumed weights.

    That is: a module was given tensors of a file by `load_state_dict`; the file holds the state of
    an optimizer with moments and the same settings, rate included; and the optimizer that now
    steps on that module's parameters has never loaded a state, nor stepped before.
    """

    name = "resuming"
    always: ClassVar = ("file_loaded", "load_state_begin", "load_state", "training_found")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._files: list[_File] = []
        self._resumed: list[tuple[weakref.ref[Any], _File, Any]] = []
        self._restored: weakref.WeakSet[Any] = weakref.WeakSet()

    def on_file_loaded(self, content: Any) -> None:
        """Looks for an optimizer's state in what `torch.load` returned."""
        if len(self._files) < FILES_AT_MOST and (file := _File(content)).groups:
            self._files.append(file)

    def on_load_state_begin(self, owner: Any, state: Any) -> None:
        """Notes a module that is given tensors of such a file."""
        if isinstance(owner, torch.nn.Module) and isinstance(state, Mapping):
            for file in reversed(self._files):
                if file.holds(state.values()):
                    self._resumed.append((weakref.ref(owner), file, user_site(2)))
                    del self._resumed[:-FILES_AT_MOST]
                    return

    def on_load_state(self, owner: Any, result: Any) -> None:
        """Notes an optimizer that loaded a state; forgets a module that found only parts."""
        if isinstance(owner, torch.optim.Optimizer):
            self._restored.add(owner)
        elif getattr(result, "missing_keys", None) or getattr(result, "unexpected_keys", None):
            self._resumed = [entry for entry in self._resumed if entry[0]() is not owner]

    def on_training_found(self, training: Any, optimizer: Any) -> None:
        """Compares an optimizer that is about to step with the files that its weights came from."""
        if not isinstance(optimizer, torch.optim.Optimizer):
            return  # weights that are moved by hand have no state
        if optimizer in self._restored or _has_stepped(optimizer):
            return
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for known, file, line in self._resumed:
            module = known()
            if module is None or not any(id(p) in held for p in module.parameters()):
                continue
            for groups, moments in zip(file.groups, file.moments, strict=True):
                if _is_same(groups, optimizer.param_groups):
                    self.watch.event(
                        "not_restored", training, owner=type(module).__name__, moments=moments,
                        line=None if line is None else list(line),
                    )  # fmt: skip
                    return


def _has_stepped(optimizer: Any) -> bool:
    """Whether some state counts more steps than this one, such as one that was put in by hand."""
    counts = (kept.get("step", 0) for kept in optimizer.state.values() if isinstance(kept, dict))
    return any(float(count) > 1 for count in counts)


def _is_same(then: list[dict[str, Any]], now: list[dict[str, Any]]) -> bool:
    """Whether two optimizers were asked for the same: groups, settings, rates before any change."""
    if [group["count"] for group in then] != [len(group["params"]) for group in now]:
        return False
    for one, other in zip(then, now, strict=True):
        if any((key in one) != (key in other) for key in SETTINGS):
            return False
        if any(key in one and one[key] != other[key] for key in SETTINGS):
            return False
        asked, asks = (group.get("initial_lr", group.get("lr", 0.0)) for group in (one, other))
        if not isclose(float(asked), float(asks)):
            return False
    return True
