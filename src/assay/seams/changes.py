"""Where tricks act: values that pass through filters, and contexts around calls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.nn import Module
    from torch.optim import Optimizer

Change = Callable[..., Any]


class Filters:
    """One method for each filter: a trick's gets the value and the rest, and returns the value.

    Nothing calls these methods: they say what passes where.
    """

    def loss(self, call: tuple[tuple[Any, ...], dict[str, Any]], name: str) -> Any:
        """Passes positional and keyword arguments of a functional loss, before it is computed."""

    def loss_result(self, result: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Passes what a functional loss gave back, and what it was given."""

    def optimizer_arguments(self, arguments: tuple[list[Any], dict[str, Any]], owner: Any) -> Any:
        """Passes groups (a list) and defaults of an optimizer, before it is built."""

    def root_call(self, call: tuple[tuple[Any, ...], dict[str, Any]], module: Module) -> Any:
        """Passes positional and keyword arguments of an outermost module, before it is called."""

    def root_result(self, result: Any, module: Module) -> Any:
        """Passes what an outermost module gave back."""

    def batch(self, batch: Any, loader: Any) -> Any:
        """Passes what a DataLoader hands out."""

    def backward(self, roots: Any) -> Any:
        """Passes what `backward` is called on."""

    def seed(self, value: Any, kind: str) -> Any:
        """Passes what a random generator is seeded with."""

    def step(self, proceed: bool, optimizer: Optimizer) -> Any:
        """Passes whether the optimizer's own step code is to run."""


class Changes:
    """Holds what tricks do to values, calls and steps. Empty lists cost one attribute read.

    What a filter or a context raises is not contained: a run whose trick failed silently would
    prove nothing.
    """

    def __init__(self) -> None:
        names = [name for name in vars(Filters) if not name.startswith("_")]
        self.filters: dict[str, list[Change]] = {name: [] for name in names}
        self.around: dict[str, list[Change]] = {"root_call": [], "loss": []}
        self.switches: dict[str, Any] = {}
        """Seams that are in place only while a trick needs them."""

    def apply(self, name: str, value: Any, *facts: Any) -> Any:
        """Returns the value after every filter of this name, in order."""
        for change in tuple(self.filters[name]):
            value = change(value, *facts)
        return value

    def contexts(self, name: str, *facts: Any) -> AbstractContextManager[Any]:
        """Returns all contexts that tricks put around a root call or a loss, entered in order.

        To be entered before the next one is asked for: one alone is given as it is.
        """
        around = self.around[name]
        if len(around) == 1:
            context: AbstractContextManager[Any] = around[0](*facts)
            return context
        stack = ExitStack()
        for make in around:
            stack.enter_context(make(*facts))
        return stack

    def close(self) -> None:
        """Drops all filters."""
        for known in self.filters.values():
            known.clear()
