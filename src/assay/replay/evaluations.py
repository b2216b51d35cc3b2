"""The next forward pass that a script makes with gradients off, for those that measure it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .asking import Call
from .structure import leaves


class AwaitedEvaluation:
    """Waits for a forward pass of an evaluation, and has it measured while its call is known.

    Only passes of models that are trained here count: a teacher is not what is evaluated.

    Args:
        watch: the context of the probe that waits.
    """

    def __init__(self, watch: Any) -> None:
        self.call: Call | None = None
        """The call that is being measured; None between measurements."""
        self.answer: Any = None
        """What it gave back."""
        self._watch = watch
        self._waiting: list[Callable[[], None]] = []

    def wait(self, measure: Callable[[], None]) -> None:
        """Has `measure` called right after the next such pass, once."""
        if not self._waiting:
            self._watch.listen("evaluation_root", self._on_begin)
        if measure not in self._waiting:
            self._waiting.append(measure)

    def forget(self) -> None:
        """Waits no longer."""
        if self._waiting:
            self._waiting = []
            self._watch.unlisten("evaluation_root", self._on_begin)

    def _on_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        if self._watch.recording is not None:
            return  # within a step that is looked at
        if not any(module is root for root in self._watch.names.roots):
            return
        if self.call is None:
            self._watch.listen("evaluation_root_end", self._on_end)
        self.call = Call(self._watch.aside, module, args, kwargs)

    def _on_end(self, module: Any, result: Any) -> None:
        self._watch.unlisten("evaluation_root_end", self._on_end)
        call = self.call
        if call is None or call.module is not module:
            self.call = None  # the one that began has raised
            return
        self._watch.unlisten("evaluation_root", self._on_begin)
        waiting, self._waiting = self._waiting, []
        self.answer = result
        tensors = (path for path, leaf in leaves(result) if isinstance(leaf, torch.Tensor))
        call.result = dict.fromkeys(tensors, -1)
        try:
            for measure in waiting:
                measure()
        finally:
            self.call = self.answer = None
