"""Probe: what evaluation forwards are given, in the same numbers as what training forwards are."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ..watching.probe import Probe
from .batches import input_numbers, inputs_of

BATCHES_AT_MOST = 2
"""Batches looked at in one evaluation."""
SPACING = 1.5
EVALUATIONS_WITHOUT_GAP = 8
"""Of the evaluations after these, one is looked at each time their number has grown by half."""


class HeldOut(Probe):
    """Measures the first inputs of a root module with gradients off, after `eval()` or a loss.

    Signals, by the same places as `input_mean` and its like: `eval_input_mean`, `eval_input_std`,
    `eval_input_min`, `eval_input_max`, at the step that training had reached; event `eval_input`
    with shape and dtype. Only models that are trained count, and nothing is looked at once
    something was compiled.
    """

    name = "held_out"
    always: ClassVar = ("mode", "evaluation_loss", "compile")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._recorder = watch.new_recorder()
        self._listens = False
        self._evaluations = self._left = 0
        self._next = 1.0
        self._step = -1

    def on_mode(self, module: Any, training: bool) -> None:
        """An evaluation begins, or ends."""
        if training:
            self._listen(on=False)
        else:
            self._evaluation_begins()

    def on_compile(self, target: Any) -> None:
        """Calls are left alone before any of them is compiled."""
        self._listen(on=False)

    def on_evaluation_loss(
        self, name: str, function: Any, args: Any, kwargs: Any, result: Any
    ) -> None:
        """The first loss of an evaluation that no call of eval() announced."""
        self._evaluation_begins()

    def on_evaluation_root(self, module: Any, args: Any, kwargs: Any) -> None:
        """A model was called with gradients off."""
        watch = self.watch
        if watch.names.module(module) is None or not watch.trainings:
            return
        training = watch.trainings[-1]
        with torch.no_grad():
            for place, tensor in inputs_of(watch, module, args, kwargs):
                kind = str(tensor.dtype).removeprefix("torch.")
                watch.event_once(
                    "eval_input", place, tuple(tensor.shape[1:]), kind,
                    place=place, shape=list(tensor.shape), dtype=kind,
                )  # fmt: skip
                for name, value in input_numbers(tensor).items():
                    if name in ("mean", "std", "min", "max"):
                        self._recorder.put(f"eval_input_{name}", place, value)
        self._recorder.close(training.index, training.step)
        self._left -= 1
        if self._left <= 0:
            self._listen(on=False)

    def finish(self) -> None:
        """Writes what has not arrived yet."""
        self._recorder.flush_arrived(wait=True)

    def _evaluation_begins(self) -> None:
        """Begins once for each step of the training at most, and ever more rarely."""
        watch = self.watch
        if self._listens or watch.compiled or not watch.trainings:
            return
        step = watch.trainings[-1].step
        if step == self._step:
            return
        self._step = step
        self._evaluations += 1
        if self._evaluations < self._next:
            return
        if self._evaluations >= EVALUATIONS_WITHOUT_GAP:
            self._next = self._evaluations * SPACING
        self._left = BATCHES_AT_MOST
        self._listen(on=True)

    def _listen(self, *, on: bool) -> None:
        if on is not self._listens:
            self._listens = on
            (self.watch.listen if on else self.watch.unlisten)(
                "evaluation_root", self.on_evaluation_root
            )
