"""Names of modules and parameters, as the user's own model gives them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch.nn.parameter import is_lazy

WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DistributedDataParallel": "module",
    "DataParallel": "module",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
}
"""Modules that only stand around a model; a name says nothing of them."""

SEARCHES_AT_MOST = 8
"""A search through all live objects takes some 50 ms; a process makes no more than these."""


class Names:
    """Knows each root module met so far and names what is inside it.

    A root is the outermost live module that contains the one that was called or whose parameters
    an optimizer holds. Names once given stay, since series are kept under them. With several
    roots, names of all but the first carry their root's class: `Discriminator.0.weight`.
    """

    def __init__(self) -> None:
        self._roots: list[weakref.ref[torch.nn.Module]] = []
        self._prefix: dict[int, str] = {}
        self._parameters: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._modules: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._searches = 0

    @property
    def roots(self) -> list[torch.nn.Module]:
        """Root modules that still exist, in the order in which they were first met."""
        return [root for ref in self._roots if (root := ref()) is not None]

    def add_root(self, module: torch.nn.Module) -> list[torch.nn.Module]:
        """Learns the root of a called module; gives the roots that are new, at most one.

        A model of lazy layers has no shapes before its first call: it is learnt at the second.
        """
        if self.module(module) is not None or any(map(is_lazy, module.parameters())):
            return []
        root = self._outermost([module])
        return self._adopt(root[0] if root else module)

    def learn(self, parameters: Iterable[torch.Tensor]) -> list[torch.nn.Module]:
        """Finds the modules that own these parameters; gives the roots that are new."""
        unknown = {
            id(p)
            for p in parameters
            if isinstance(p, torch.nn.Parameter) and self.parameter(p) is None
        }
        if not unknown:
            return []
        self.rescan()
        unknown = {i for i in unknown if i not in self._parameters}
        if not unknown:
            return []
        owners = [
            module
            for module in self._search()
            if any(id(p) in unknown for p in (vars(module).get("_parameters") or {}).values())
        ]
        return [new for root in self._outermost(owners) for new in self._adopt(root)]

    def rescan(self) -> None:
        """Looks through all roots again, for parts that were added later."""
        for root in self.roots:
            self._scan(root, self.prefix(root))

    def prefix(self, root: torch.nn.Module) -> str:
        """Returns what stands before names inside this root: empty, or its class and a dot."""
        return self._prefix.get(id(_unwrapped(root)), "")

    def parameter(self, parameter: torch.Tensor) -> str | None:
        """Returns the parameter's full name; None if no known root has it."""
        entry = self._parameters.get(id(parameter))
        return entry[1] if entry is not None and entry[0]() is parameter else None

    def module(self, module: torch.nn.Module) -> str | None:
        """Returns the module's full name, a root's class name; None if no known root has it.

        What only stands around a model has the model's name.
        """
        for one in (module, _unwrapped(module)):
            entry = self._modules.get(id(one))
            if entry is not None and entry[0]() is one:
                return entry[1]
        return None

    def _adopt(self, root: torch.nn.Module) -> list[torch.nn.Module]:
        """Names all of a root that has no name yet; a module met before may be inside it."""
        root = _unwrapped(root)
        if any(known is root for known in self.roots):
            return []
        inside = {id(part) for part in root.modules()}
        names = [self._prefix.get(id(r)) for r in self.roots if id(r) in inside]
        outside = [r for r in self.roots if id(r) not in inside]
        prefix, taken = "", {self.prefix(r) for r in outside}
        if "" in taken:
            kind, number = type(root).__name__, 2
            prefix = f"{kind}."
            while prefix in taken | set(names):
                prefix, number = f"{kind}#{number}.", number + 1
        self._roots = [*(weakref.ref(r) for r in outside), weakref.ref(root)]
        self._prefix[id(root)] = prefix
        self._scan(root, prefix)
        return [root]

    def _scan(self, root: torch.nn.Module, prefix: str) -> None:
        for name, module in root.named_modules():
            if self.module(module) is None:
                label = prefix + _short(name) if name else prefix.rstrip(".") or type(root).__name__
                self._modules[id(module)] = (weakref.ref(module), label)
        for name, parameter in root.named_parameters():  # each module once: some stand in a circle
            if self.parameter(parameter) is None:
                self._parameters[id(parameter)] = (weakref.ref(parameter), prefix + _short(name))

    def _search(self) -> list[torch.nn.Module]:
        """Returns all modules that are alive; empty once too many searches were made."""
        if self._searches >= SEARCHES_AT_MOST:
            return []
        self._searches += 1
        return [o for o in gc.get_objects() if issubclass(type(o), torch.nn.Module)]

    def _outermost(self, modules: list[torch.nn.Module]) -> list[torch.nn.Module]:
        """Returns the largest live modules that contain these."""
        parents: dict[int, list[torch.nn.Module]] = {}
        for module in self._search() if modules else ():
            for child in (vars(module).get("_modules") or {}).values():
                if child is not None and type(module).__name__ not in WRAPPERS:
                    parents.setdefault(id(child), []).append(module)
        found: list[torch.nn.Module] = []
        for module in modules:
            here, seen = _unwrapped(module), set()
            while id(here) not in seen:
                seen.add(id(here))
                above = [p for p in parents.get(id(here), ()) if id(p) not in seen]
                here = max(above, key=_size, default=here)
            if not any(here is known for known in found):
                found.append(here)
        return found


def _size(module: torch.nn.Module) -> int:
    return sum(1 for _ in module.parameters())


def _unwrapped(module: torch.nn.Module) -> torch.nn.Module:
    while (inner := WRAPPERS.get(type(module).__name__)) is not None:
        child = (vars(module).get("_modules") or {}).get(inner)
        if child is None:
            break
        module = child
    return module


def _short(name: str) -> str:
    """Returns a dotted name without what torch.compile puts into it."""
    return name.replace("_orig_mod.", "")
