"""All experiments, in the order in which people ask."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from .page import Measured, Page

NAMES = (
    "nan", "norms", "learning-rate", "warmup", "weight-decay", "initialisation",
    "number-formats", "clipping", "accumulation", "optimizers", "adam", "ema", "dropout",
    "autograd", "residuals", "lipschitz", "batch-size", "schedules", "gradient",
    "activations", "landscape", "generalisation", "gan", "search", "fusion", "hybrid", "distributed",
)  # fmt: skip
"""Each is a module of this package, with `-` for `_`: `PAGE`, and `measure` to run it."""


def page(name: str) -> Page:
    """Returns what an experiment says of itself; torch is not loaded for it."""
    found = _module(name).PAGE
    assert isinstance(found, Page)
    return found


def about(name: str) -> list[str]:
    """Returns the experiments whose pages name a check or a trick."""
    return [each for each in NAMES if name in (*page(each).checks, *page(each).tricks)]


def experiment(name: str) -> Callable[[], Measured]:
    """Returns the function that runs an experiment; it needs torch."""
    found: Callable[[], Measured] = _module(name).measure
    return found


def _module(name: str) -> ModuleType:
    return import_module(f".{name.replace('-', '_')}", __package__)
