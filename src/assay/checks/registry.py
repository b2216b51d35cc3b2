"""All checks that ship: every file of every family's folder holds one, and is found by that."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from .base import Check

FAMILIES = (
    "data", "loss", "model", "gradient", "optimizer", "schedule", "precision",
    "generalisation", "distributed", "reproducibility", "gan",
)  # fmt: skip
"""In the order in which they are listed. A family without a folder has no check yet."""


def discover() -> tuple[Check, ...]:
    """Imports every module of every family and makes the check that it defines.

    Raises:
        TypeError: A module defines no check, or more than one.
    """
    package = import_module(__package__)
    there = {module.name for module in iter_modules(package.__path__) if module.ispkg}
    unknown = there - set(FAMILIES)
    if unknown:
        raise TypeError(f"checks/{min(unknown)}/ is no family; FAMILIES lists them")
    found: list[Check] = []
    for family in FAMILIES:
        if family not in there:
            continue
        folder = import_module(f"{__package__}.{family}")
        for module in sorted(iter_modules(folder.__path__), key=lambda module: module.name):
            if not module.name.startswith("_"):
                found += defined_in(import_module(f"{folder.__name__}.{module.name}"))
    return tuple(found)


def defined_in(module: object) -> list[Check]:
    """Returns the one check that a module of ours defines, as a list.

    Raises:
        TypeError: It defines none, or several.
    """
    name = getattr(module, "__name__", "")
    kinds = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Check) and kind.__module__ == name
    ]
    if len(kinds) != 1:
        raise TypeError(f"{name} must define one check, it defines {len(kinds)}")
    return [kinds[0]()]


CHECKS: tuple[Check, ...] = discover()


def by_name(name: str) -> Check | None:
    """Returns the shipped check of this name."""
    return next((check for check in CHECKS if check.name == name), None)
