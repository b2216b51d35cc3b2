"""Probe: on which lines of the user's a training is made: what an edit would touch; in trials."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ...seams.arguments import bind
from ...seams.callsite import end_of_call, site_of, user_frame
from ...watching.numbers import Numbers
from ...watching.probe import Probe

CALLERS_AT_MOST = 500
"""Lines written in one run; a program that trains from more is no script that an edit fits."""


class Callers(Probe):
    """Writes an event `caller` for each line from which one of these was called first.

    `of` says what: `optimizer` and `loader` (built), `step`, `backward`, `model` (an outermost
    module), `loss` and `evaluation_loss`, `loading` (a loader is iterated with gradients on). `end`
    is the line and column where the call ends (of `loading`: where the statement does), None before
    Python 3.11. `number` tells optimizers and loaders apart, also from those that are gone. A trial
    pays for looking at each call, not only at sampled ones: the line that matters may be reached
    late.
    """

    name = "callers"
    always: ClassVar = (
        "optimizer_created",
        "loader_created",
        "loader_begin",
        "root_begin",
        "loss",
        "evaluation_loss",
        "backward_begin",
        "step_begin",
    )

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._seen: set[tuple[Any, ...]] = set()
        self._numbers = Numbers()
        self._calls: list[tuple[weakref.ref[Any], Any, Any]] = []

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Where an optimizer is built."""
        self._note("optimizer", self._numbers.of(optimizer), cls=type(optimizer).__name__)

    def on_loader_created(self, loader: Any) -> None:
        """Where a DataLoader is built."""
        self._note("loader", self._numbers.of(loader))

    def on_loader_begin(self, loader: Any) -> None:
        """Which loader is trained from."""
        if torch.is_grad_enabled():
            sampler = type(getattr(loader, "sampler", None)).__name__
            self._note("loading", self._numbers.of(loader), sampler=sampler)

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Where a model is called; it gets its name later."""
        frame = user_frame()
        if frame is None or not self._is_new("model", frame, id(type(module))):
            return
        if next(module.parameters(), None) is not None:
            self._calls.append((weakref.ref(module), site_of(frame), end_of_call(frame)))

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Where a loss is computed, and from what shapes."""
        if torch.is_grad_enabled():
            self._note("loss", name, fn=name, **_shapes(function, args, kwargs))

    def on_evaluation_loss(
        self, name: str, function: Any, args: Any, kwargs: Any, result: Any
    ) -> None:
        """The same for an evaluation."""
        self._note("evaluation_loss", name, fn=name, **_shapes(function, args, kwargs))

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Where gradients are computed."""
        self._note("backward")

    def on_step_begin(self, optimizer: Any, has_closure: bool) -> None:
        """Where weights are changed."""
        self._name_models()
        self._note("step", self._numbers.of(optimizer), closure=bool(has_closure))

    def finish(self) -> None:
        """Notes what was called after the last step."""
        self._name_models()

    def _is_new(self, of: str, frame: Any, key: Any) -> bool:
        known = (of, frame.f_code, frame.f_lasti, key)
        if known in self._seen or len(self._seen) >= CALLERS_AT_MOST:
            return False
        self._seen.add(known)
        return True

    def _note(self, of: str, key: Any = None, **facts: Any) -> None:
        frame = user_frame(2)
        if frame is not None and self._is_new(of, frame, key):
            number = {"number": key} if isinstance(key, int) else {}
            self._write(of, site_of(frame), end_of_call(frame), **number, **facts)

    def _name_models(self) -> None:
        calls, self._calls = self._calls, []
        for ref, site, end in calls:
            module = ref()
            if module is not None:
                self._write("model", site, end, module=self.watch.names.module(module))

    def _write(self, of: str, site: Any, end: Any, **facts: Any) -> None:
        data = {"of": of, "end": end, **facts}
        self.watch.line("event", e="caller", i=self.watch.iteration, s=0, site=site, data=data)


def _shapes(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    given = bind(function, args, kwargs)
    return {
        name: list(value.shape) if isinstance(value := given.get(name), torch.Tensor) else None
        for name in ("input", "target")
    }
