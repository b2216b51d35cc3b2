"""Names of modules and parameters, as the user's own model gives them."""

from __future__ import annotations

import weakref
from typing import Any

import torch


class Names:
    """Knows each root module met so far and names what is inside it.

    With several roots, names of all but the first carry their root's class: `Discriminator.0.weight`.
    """

    def __init__(self) -> None:
        self._roots: list[weakref.ref[torch.nn.Module]] = []
        self._prefix: dict[int, str] = {}
        self._parameters: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._modules: dict[int, tuple[weakref.ref[Any], str]] = {}

    @property
    def roots(self) -> list[torch.nn.Module]:
        """Root modules that still exist, in the order in which they were first called."""
        return [root for ref in self._roots if (root := ref()) is not None]

    def add_root(self, module: torch.nn.Module) -> bool:
        """Learns a root module; False if it is known, or is part of a known one."""
        known = self._modules.get(id(module))
        if known is not None and known[0]() is module:
            return False
        # a module first met as a root may later be found inside a larger one
        inside = {id(part) for part in module.modules()}
        self._roots = [r for r in self._roots if (m := r()) is not None and id(m) not in inside]
        prefix = ""
        if self._roots:
            taken = {self._prefix.get(id(r())) for r in self._roots}
            kind, number = type(module).__name__, 2
            prefix = f"{kind}."
            while prefix in taken:
                prefix, number = f"{kind}#{number}.", number + 1
        self._roots.append(weakref.ref(module))
        self._prefix[id(module)] = prefix
        self._scan(module, prefix)
        return True

    def _scan(self, root: torch.nn.Module, prefix: str) -> None:
        for name, module in root.named_modules():
            label = f"{prefix}{name}" if name else (prefix.rstrip(".") or type(root).__name__)
            self._modules[id(module)] = (weakref.ref(module), label)
        for name, parameter in root.named_parameters(remove_duplicate=False):
            entry = self._parameters.get(id(parameter))
            if entry is None or entry[0]() is not parameter:
                self._parameters[id(parameter)] = (weakref.ref(parameter), prefix + name)

    def prefix(self, root: torch.nn.Module) -> str:
        """What stands before the names inside this root: empty, or the root's class and a dot."""
        return self._prefix.get(id(root), "")

    def parameter(self, parameter: torch.Tensor) -> str | None:
        """The parameter's full name; None if no known root has it."""
        entry = self._parameters.get(id(parameter))
        if entry is not None and entry[0]() is parameter:
            return entry[1]
        return None

    def module(self, module: torch.nn.Module) -> str | None:
        """The module's full name; a root's own is its class name; None if no known root has it."""
        entry = self._modules.get(id(module))
        if entry is not None and entry[0]() is module:
            return entry[1]
        return None

    def rescan(self) -> None:
        """Looks through all roots again, for parts that were added later."""
        for root in self.roots:
            self._scan(root, self.prefix(root))
