"""Probe: what evaluation passes are given, in the same numbers as what training passes are."""

from __future__ import annotations

from typing import Any, ClassVar

from ...watching.probe import Probe
from ..data.batches import input_numbers, inputs_of
from ..data.contents import Contents
from ..data.overlap import Overlap
from ..data.tokens import Tokens
from .evaluation_passes import EvaluationPasses, Follower, Pass

Row = list[tuple[str, str, Any]]


class HeldOut(Probe, Follower):
    """Measures the inputs of the first passes of each evaluation.

    Signals, by the same places as `input_mean` and its like: `eval_input_mean`, `eval_input_std`,
    `eval_input_min`, `eval_input_max`, at the step that training had reached; event `eval_input`
    with shape and dtype. Only models that are trained count, and nothing is looked at once
    something was compiled. What passes with gradients on were given is written once it is sure that
    no backward pass follows.
    """

    name = "held_out"
    always: ClassVar = ()

    def __init__(self, watch: Any) -> None:
        watch.shared(EvaluationPasses).follow(self)
        super().__init__(watch)
        self._recorder = watch.new_recorder()
        self._contents = watch.shared(Contents)
        self._overlap = watch.shared(Overlap)
        self._tokens = watch.shared(Tokens)
        self._unsure: list[Row] = []

    def pass_begins(self, one: Pass) -> None:
        """Measures what the first passes are given."""
        if not one.close:
            return
        watch, row = self.watch, Row()
        for place, tensor in inputs_of(watch, one.module, one.args, one.kwargs):
            if not one.grad:
                kind = str(tensor.dtype).removeprefix("torch.")
                watch.event_once(
                    "eval_input", place, tuple(tensor.shape[1:]), kind,
                    place=place, shape=list(tensor.shape), dtype=kind,
                )  # fmt: skip
                self._contents.add_held_out(place, tensor)
                self._overlap.ask(place, tensor)
                self._tokens.add_held_out(place, tensor)
            numbers = input_numbers(tensor)
            row += [
                (f"eval_input_{name}", place, numbers[name])
                for name in ("mean", "std", "min", "max")
                if name in numbers
            ]
        if one.grad:
            self._unsure.append(row)
        else:
            self._write(row)

    def evaluation_ends(self, sure: bool) -> None:
        """Writes what was not sure to be an evaluation's."""
        rows, self._unsure = self._unsure, []
        for row in rows if sure else ():
            self._write(row)

    def finish(self) -> None:
        """Writes what has not arrived yet."""
        self._recorder.flush_arrived(wait=True)

    def _write(self, row: Row) -> None:
        for signal, place, value in row:
            self._recorder.put(signal, place, value)
        last = self.watch.trainings[-1]
        self._recorder.close(last.index, last.step)
