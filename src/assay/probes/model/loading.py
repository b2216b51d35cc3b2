"""Probe: what `load_state_dict` put where: keys that fit, that don't, and what changed by it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from ...watching.probe import Probe

LOADS_AT_MOST = 16
"""Calls looked at for one class; a target network is loaded every hundred steps."""
KEYS_AT_MOST = 50
ELEMENTS_AT_MOST = 4096
"""Of each tensor, the first so many elements say whether loading changed it."""


class Loading(Probe):
    """Writes a `load_state` event for each call, with counts by key.

    Of a module: keys `matched` (name and shape), `missing`, `unexpected`, `mismatched` (another
    shape), how many of the matched ones `changed` (on the CPU) and how many are the module's `own`
    tensors, and `prefix`: what, taken off the checkpoint's names (with a + put before them, or `a.`
    replaced by `b.` where it reads `a.>b.`), would make `prefix_matched` of them fit. Of an
    optimizer: parameters, how many have a state (moments) after it, the rates before and after, and
    those that were asked for, before any scheduler. `failed` is the error that the call raised.
    """

    name = "loading"
    always: ClassVar = ("load_state_begin", "load_state", "load_state_failed")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._calls: dict[tuple[str, bool], int] = {}
        self._facts: tuple[Any, dict[str, Any]] | None = None

    def on_load_state_begin(self, owner: Any, state: Any) -> None:
        """Compares what is given with what is there, before it is overwritten."""
        self._facts = None
        key = type(owner).__name__, isinstance(owner, torch.nn.Module)
        if self._calls.get(key, 0) >= LOADS_AT_MOST or not isinstance(state, Mapping):
            return
        self._calls[key] = self._calls.get(key, 0) + 1
        with torch.no_grad():
            facts = _module_facts(owner, state) if key[1] else _optimizer_facts(owner, state)
        self._facts = owner, facts

    def on_load_state(self, owner: Any, result: Any) -> None:
        """The call returned."""
        facts = self._take(owner)
        if facts is None:
            return
        if isinstance(owner, torch.optim.Optimizer):
            facts["with_state"] = sum(bool(kept) for kept in owner.state.values())
            facts["rates_after"] = _rates(owner.param_groups)
            facts["built"] = self.watch.optimizers.of(owner)
        self._write(
            owner,
            missing=list(getattr(result, "missing_keys", ()))[:KEYS_AT_MOST],
            unexpected=list(getattr(result, "unexpected_keys", ()))[:KEYS_AT_MOST],
            **facts,
        )

    def on_load_state_failed(self, owner: Any, error: BaseException) -> None:
        """The call raised; a script that catches it goes on without its weights."""
        facts = self._take(owner)
        if facts is not None:
            self._write(owner, failed=str(error)[:500], missing=[], unexpected=[], **facts)

    def _take(self, owner: Any) -> dict[str, Any] | None:
        kept, self._facts = self._facts, None
        return kept[1] if kept is not None and kept[0] is owner else None

    def _write(self, owner: Any, **facts: Any) -> None:
        names = self.watch.names
        module = names.module(owner) if isinstance(owner, torch.nn.Module) else None
        self.watch.event("load_state", owner=type(owner).__name__, module=module, **facts)


def _module_facts(module: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    own = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers())}
    shapes = {key: tuple(t.shape) for key, t in own.items()}
    given = {k: tuple(t.shape) for k, t in state.items() if isinstance(t, torch.Tensor)}
    both = [key for key in given if key in shapes]
    matched = [key for key in both if given[key] == shapes[key]]
    compared = [(own[k], state[k]) for k in matched if own[k].is_cpu and state[k].is_cpu]
    prefix, fits = _prefix(shapes, given, len(matched))
    return {
        "kind": "module",
        "keys": len(own),
        "given": len(given),
        "matched": len(matched),
        "missing_count": sum(key not in given for key in own),
        "unexpected_count": len(given) - len(both),
        "mismatched": [key for key in both if given[key] != shapes[key]][:KEYS_AT_MOST],
        "compared": len(compared),
        "changed": sum(_differ(a, b) for a, b in compared),
        "own": sum(_same_storage(own[k], state[k]) for k in matched),
        "prefix": prefix,
        "prefix_matched": fits,
    }


def _differ(old: torch.Tensor, new: torch.Tensor) -> bool:
    first, second = old.reshape(-1)[:ELEMENTS_AT_MOST], new.reshape(-1)[:ELEMENTS_AT_MOST]
    return not torch.equal(first, second.to(first.dtype))


def _same_storage(old: torch.Tensor, new: torch.Tensor) -> bool:
    there = old.data_ptr()  # 0: no memory of its own
    return there != 0 and old.device == new.device and there == new.data_ptr()


def _prefix(
    own: Mapping[str, tuple[int, ...]], given: Mapping[str, tuple[int, ...]], matched: int
) -> tuple[str | None, int]:
    """Says what to take off the given names, to put before them (+), or to replace (>).

    Returns:
        The prefix that makes the most names fit, and how many; None if none beats `matched`.
    """
    best: tuple[str | None, int] = None, matched
    for name in _starts(given):
        fits = sum(k.startswith(name) and own.get(k[len(name) :]) == s for k, s in given.items())
        if fits > best[1]:
            best = name, fits
    for name in _starts(own):
        fits = sum(own.get(name + key) == shape for key, shape in given.items())
        if fits > best[1]:
            best = f"+{name}", fits
    for name in _starts(given):
        rest = {k[len(name) :]: shape for k, shape in given.items() if k.startswith(name)}
        for other in _starts(own):
            fits = sum(own.get(other + key) == shape for key, shape in rest.items())
            if other != name and fits > best[1]:
                best = f"{name}>{other}", fits
    return best


def _starts(names: Mapping[str, Any]) -> list[str]:
    """Returns the first one and two parts of the names, `module.`: a few of them."""
    found: dict[str, None] = {}
    for name in names:
        parts = name.split(".")
        found.setdefault(parts[0] + ".")
        if len(parts) > 2:
            found.setdefault(".".join(parts[:2]) + ".")
        if len(found) >= 8:
            break
    return list(found)


def _optimizer_facts(optimizer: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    groups = state.get("param_groups")
    return {
        "kind": "optimizer",
        "parameters": sum(len(group["params"]) for group in optimizer.param_groups),
        "given_state": len(state.get("state") or ()),
        "rates_before": _rates(optimizer.param_groups),
        "rates_given": _rates(groups if isinstance(groups, list) else []),
        "asked_before": _rates(optimizer.param_groups, asked=True),
        "asked_given": _rates(groups if isinstance(groups, list) else [], asked=True),
        "default_rate": _default_rate(type(optimizer)),
    }


def _default_rate(kind: type) -> float | None:
    """Returns the rate that this class takes where none is given; None if it has none."""
    rate = inspect.signature(kind).parameters.get("lr")
    return float(rate.default) if rate and isinstance(rate.default, (int, float)) else None


def _rates(groups: Any, *, asked: bool = False) -> list[float]:
    """Rates of the groups that have one which can be read without waiting for an accelerator.

    Args:
        groups: Parameter groups, as an optimizer or its state has them.
        asked: As they were before any scheduler changed them.
    """
    rates = [g.get("initial_lr", g.get("lr")) if asked else g.get("lr") for g in groups]
    return [float(r) for r in rates if isinstance(r, (int, float)) or getattr(r, "is_cpu", False)]
