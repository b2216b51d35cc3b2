"""One call of a model that was recorded, and the same model asked anew with something changed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import torch

from .purity import is_replaced, why_impure
from .structure import (
    NotReplayable,
    Path,
    autocast_state,
    leaves,
    put_autocast,
    put_random_state,
    random_state,
    rebuilt,
)
from .twin import Twin


class Same:
    """Says that something is to be as it was recorded."""

    def __repr__(self) -> str:
        return "SAME"


SAME: Final = Same()
Inputs = torch.Tensor | Mapping[Path, torch.Tensor] | Same
Mode = bool | Same
"""Whether modules are to be in training mode: True, False, or each as it was."""


class Proofs:
    """Remembers of each model whether its code may be run once more, and that it was seen to be so.

    A proof of the source comes first (`purity`). The first call must then give, with the random
    state put back, what the user's own call gave, to the last bit.
    """

    def __init__(self) -> None:
        self._static: dict[int, tuple[weakref.ref[Any], int, str | None]] = {}
        self._seen: dict[int, weakref.ref[Any]] = {}

    def why_not(self, module: torch.nn.Module) -> str | None:
        """Returns what forbids calling a model's code; None if nothing does."""
        parts = sum(1 for _ in module.modules())
        known = self._static.get(id(module))
        if known is None or known[0]() is not module or known[1] != parts:
            why = why_impure(module)
            known = self._static[id(module)] = weakref.ref(module), parts, why
        return known[2] or is_replaced(module)

    def seen(self, module: torch.nn.Module) -> bool:
        """Returns whether a call of this model has given the same once."""
        known = self._seen.get(id(module))
        return known is not None and known() is module

    def note(self, module: torch.nn.Module) -> None:
        """Remembers that it has."""
        if len(self._seen) >= 64:
            self._seen.clear()
        self._seen[id(module)] = weakref.ref(module)


class Call:
    """One call of an outermost module: with what, in which state, and what came back.

    Args:
        aside: makes a context in which tricks leave calls of models alone.
        module: the model.
        args: positional arguments of the call, not gone yet.
        kwargs: named arguments.
    """

    def __init__(
        self,
        aside: Callable[[], AbstractContextManager[None]],
        module: torch.nn.Module,
        args: Any,
        kwargs: Any,
    ) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self._aside = aside
        self.random, self.autocast = random_state(), autocast_state()
        self.modes = [m.training for m in module.modules()]
        self.inputs: dict[Path, torch.Tensor] = {
            path: value for path, value in leaves((args, kwargs)) if isinstance(value, torch.Tensor)
        }
        self._versions = {
            path: value._version for path, value in self.inputs.items() if not value.is_inference()
        }
        self.result: dict[Path, int] = {}
        """Numbers of the tensors that came back, on the tape."""
        self.ended_at = 0
        """Operations on the tape when it returned."""

    def changed(self, inputs: Inputs) -> dict[Path, torch.Tensor]:
        """Returns the inputs that are to be others, by path; one tensor stands for the first."""
        if isinstance(inputs, Same):
            return {}
        if isinstance(inputs, torch.Tensor):
            if not self.inputs:
                raise NotReplayable("the model is given no tensor")
            return {next(iter(self.inputs)): inputs}
        unknown = [path for path in inputs if path not in self.inputs]
        if unknown:
            raise KeyError(unknown[0])
        return dict(inputs)

    def ask(
        self,
        inputs: Inputs = SAME,
        mode: Mode = SAME,
        *,
        grad: bool = False,
        within: AbstractContextManager[Any] | None = None,
    ) -> Any:
        """Returns what a twin of the model answers; to be called inside `undisturbed`.

        The call alone is made in the context `within`.
        """
        changed = self.changed(inputs)
        for path, version in self._versions.items():
            if path not in changed and self.inputs[path]._version != version:
                raise NotReplayable("the batch was changed in place since")
        given = iter(self.inputs)
        args, kwargs = rebuilt(
            (self.args, self.kwargs), lambda leaf: self._given(leaf, changed, given)
        )
        training = self.modes if isinstance(mode, Same) else mode
        twin = Twin(self.module, training, grad=grad)
        put_random_state(self.random)
        put_autocast(self.autocast)
        torch.set_grad_enabled(grad)
        with self._aside(), within or nullcontext():
            return twin.module(*args, **kwargs)

    @staticmethod
    def _given(leaf: Any, changed: dict[Path, torch.Tensor], paths: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        path = next(paths)
        return changed[path] if path in changed else leaf.detach().clone()
