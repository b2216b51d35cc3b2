"""Probe: parameters that an optimizer holds and that are frozen, and vain tries at that."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar

from ...watching.probe import Probe
from ...watching.sources import Sources, function_at

MISSPELT = ("require_grad", "requires_grads", "require_grads", "requires_gradient", "required_grad",
            "requiresgrad", "requires_Grad")  # fmt: skip
NAME = "requires_grad"
FLAGS_AT_MOST = 64
OWN_FLAG = re.compile(rf"\bself\.{NAME}\s*=")
Site = tuple[str, int, str]


class Freezing(Probe):
    """Counts frozen parameters at each sampled step, and of what was to be thawed, or frozen.

    Signals: `frozen_share`, per group, the share of its parameters that are frozen and have no
    gradient;
    `thawed_in_vain`, by the name of a module on which `requires_grad = True` was set as an
    attribute while all its parameters were frozen, or of a parameter with a misspelt attribute: the
    share of its parameters that are still frozen. An event `vain_thaw` names the line.
    `frozen_in_vain`, by the name of a module on which `requires_grad = False` was set as an
    attribute: the share of the parameters that the optimizer holds of it that have a gradient. An
    event `vain_freeze` names the line.
    """

    name = "freezing"
    sampled: ClassVar = ("gradients_ready",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._sources = Sources(NAME)
        self._told: set[str] = set()

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Counts."""
        watch = self.watch
        for index, group in enumerate(optimizer.param_groups):
            frozen = [p for p in group["params"] if not p.requires_grad and p.grad is None]
            if group["params"]:
                share = len(frozen) / len(group["params"])
                watch.put("frozen_share", f"group {index}", share)
            for p in frozen:
                wrong = next((key for key in MISSPELT if getattr(p, key, None) is True), None)
                if wrong is not None and (name := watch.names.parameter(p)) is not None:
                    self._tell(name, wrong, None, 1.0)
        for root in watch.names.roots:
            for module in root.modules():
                flag = vars(module).get(NAME)
                if flag is True:
                    self._look(module)
                elif flag is False:
                    self._look_trained(module, optimizer)

    def _look(self, module: Any) -> None:
        """Counts what is frozen in a module on which the attribute was set."""
        frozen = [not p.requires_grad for p in module.parameters()]
        name = self.watch.names.module(module)
        if not frozen or name is None or _has_own_flag(type(module)):
            return
        if name not in self._told and all(frozen) and len(self._told) < FLAGS_AT_MOST:
            self._told.add(name)
            self._tell(name, NAME, self._line(name, is_set=True), 1.0)
        elif name in self._told:
            self.watch.put("thawed_in_vain", name, sum(frozen) / len(frozen))

    def _look_trained(self, module: Any, optimizer: Any) -> None:
        """Counts what is trained of a module that was to be frozen."""
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        trained = [p.grad is not None for p in module.parameters() if id(p) in held]
        name = self.watch.names.module(module)
        if not trained or name is None or _has_own_flag(type(module)):
            return
        key = f"frozen {name}"
        if key not in self._told and all(trained) and len(self._told) < FLAGS_AT_MOST:
            self._told.add(key)
            line = self._line(name, is_set=False)
            self.watch.event_once(
                "vain_freeze", name, place=name, line=None if line is None else list(line)
            )
        if key in self._told:
            self.watch.put("frozen_in_vain", name, sum(trained) / len(trained))

    def _line(self, name: str, *, is_set: bool) -> Site | None:
        """Returns the line that set the attribute of a module of this name, if only one can."""
        found = [
            (_last_word(target), (file, target.lineno, function_at(tree, target.lineno)))
            for file, tree in self._sources.trees()
            for target in _assigned(tree, is_set)
        ]
        named = [site for word, site in found if word == name.rpartition(".")[2]]
        others = named or [site for word, site in found if word is None]
        return others[0] if len(others) == 1 else None

    def _tell(self, name: str, attribute: str, line: Any, share: float) -> None:
        self.watch.event_once(
            "vain_thaw", name,
            place=name, attribute=attribute, line=None if line is None else list(line),
        )  # fmt: skip
        self.watch.put("thawed_in_vain", name, share)


def _has_own_flag(kind: type) -> bool:
    """Whether a class sets the attribute itself: then its code may read it."""
    with suppress(OSError, TypeError):
        return OWN_FLAG.search(inspect.getsource(kind)) is not None
    return False


def _assigned(tree: ast.AST, value: bool) -> Iterator[ast.Attribute]:
    """Yields the targets of `x.requires_grad = value`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.value, "value", None) is value:
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr == NAME:
                    yield target


def _last_word(target: ast.Attribute) -> str | None:
    """Returns what a target is called: `block` of `net.block.x`, `0` of `net[0].x`, else None."""
    owner = target.value
    if isinstance(owner, ast.Attribute):
        return owner.attr
    if isinstance(owner, ast.Subscript):
        return str(getattr(owner.slice, "value", ""))
    return None
