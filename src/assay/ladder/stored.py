"""A batch that was stored, to be computed again with other weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..replay.asking import Call
from ..replay.scored import Scored
from ..replay.structure import Path, rebuilt
from ..replay.tape import Tape
from . import answers

SAME = 0.1
"""Relative difference up to which the proportion of two losses is the same."""


class Weights:
    """The weights of a script, as live tensors, with a copy of what they were at first."""

    def __init__(self) -> None:
        self.live: dict[int, Tensor] = {}
        self.first: dict[int, Tensor] = {}

    def learn(self, tensors: Iterable[Tensor]) -> None:
        """Copies those that are not known yet."""
        for tensor in tensors:
            if id(tensor) not in self.live:
                self.live[id(tensor)] = tensor
                self.first[id(tensor)] = tensor.detach().clone()

    def moved(self) -> bool:
        """Whether any is another than at first."""
        return any(
            not torch.equal(tensor.detach(), self.first[key]) for key, tensor in self.live.items()
        )

    def now(self) -> dict[int, Tensor]:
        """Returns a copy of what they are."""
        return {key: tensor.detach().clone() for key, tensor in self.live.items()}


class Stored:
    """One batch on its tape, with what a person would call inputs, answers and targets.

    Args:
        tape: Holds copies of the data (`Tape.keep`).
        loss: Number of the loss on it, before any scaling.
        scored: The one call of a loss function of torch; None for none or several.
        call: The one call of a model; None for several.
        iteration: Whose batch it is, from 0.
    """

    def __init__(
        self, tape: Tape, loss: int, scored: Scored | None, call: Call | None, iteration: int
    ) -> None:
        self.tape, self.loss_number, self.iteration = tape, loss, iteration
        self.scored = scored if scored is not None and scored.name in answers.KNOWN else None
        held = tape.weights()
        self.weights = {slot: id(tensor) for slot, tensor in held.items()}
        # as it is now: what is frozen or thawed later was trained otherwise then
        self.trained = {id(tensor) for tensor in held.values() if tensor.requires_grad}
        self.call = call
        self._inputs: dict[Path, int] = {}
        if call is not None:
            self._inputs = {
                path: number
                for path, tensor in call.inputs.items()
                if (number := tape.slot(tensor)) is not None and number in tape.given
            }
        self.value = math.nan
        """How good the answers were when the script computed them."""
        self._targets: Tensor | None = None
        self._level: tuple[float, float] | None = None

    # -- what it holds ------------------------------------------------------------------------

    @property
    def inputs(self) -> list[Tensor]:
        """Copies of what the model was given, in the order of its parameters."""
        return [self.tape.given[number] for number in self._inputs.values()]

    @property
    def rows(self) -> Tensor | None:
        """The first input of numbers that has a row for each target; None if there is none."""
        wanted = self.targets
        if wanted is None or not wanted.dim():
            return None
        fit = (one for one in self.inputs if one.is_floating_point() and one.dim() > 1)
        return next((one for one in fit if len(one) == len(wanted)), None)

    @property
    def has_rows(self) -> bool:
        """Whether the first input, of whatever kind, has a row for each target."""
        wanted = self.targets
        return wanted is not None and any(
            one.dim() > 0 and len(one) == len(wanted) for one in self.inputs[:1] if wanted.dim()
        )

    @property
    def targets(self) -> Tensor | None:
        """What the loss function took for the targets; None where that is not known."""
        if self.scored is not None and self._targets is None:
            self._targets = self.tape.play([self.scored.target])[0].detach().clone()
        return self._targets

    @property
    def level(self) -> tuple[float, float] | None:
        """The loss of the best constant answer, and the least there is; None if not known."""
        if self.scored is not None and self.targets is not None and self._level is None:
            self._level = answers.constant_loss(self.scored.name, self.targets, self.scored.ignored)
        return self._level

    def arguments(self, call: Call) -> tuple[Any, Any]:
        """Returns what the model was called with, of copies."""
        numbers = iter(self._inputs.values())

        def copied(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                return leaf
            return self.tape.given[next(numbers)].clone()

        made: tuple[Any, Any] = rebuilt((call.args, call.kwargs), copied)
        return made

    # -- computing it again -------------------------------------------------------------------

    def compute(
        self, weights: dict[int, Tensor] | None = None, *, grad: bool = False
    ) -> tuple[Tensor, float]:
        """Returns the script's own loss, and how good the answers are by torch's.

        The second is the first where no loss function is known.

        Args:
            weights: By identity of the live ones; these as they are, if not given.
            grad: Whether the loss has a graph up to them.

        Raises:
            NotReplayable: why it can't be computed.
        """
        replaced = {slot: weights[key] for slot, key in self.weights.items()} if weights else {}
        wanted = [self.loss_number]
        if self.scored is not None:
            wanted += [self.scored.input, self.scored.target]
        loss, *told = self.tape.play(wanted, replaced, grad=grad)
        loss = loss.reshape(())
        value = self._value(*told) if told else None
        return loss, float(loss.detach()) if value is None else value

    def compute_from(self, answers_: dict[int, Tensor], first: int) -> float:
        """Returns how good answers are that the model gave otherwise.

        Args:
            answers_: By number on the tape.
            first: The operation after the model's call.

        Raises:
            NotReplayable: why the rest can't be computed.
        """
        wanted = [self.loss_number]
        if self.scored is not None:
            wanted += [self.scored.input, self.scored.target]
        loss, *told = self.tape.play(wanted, answers_, first=first)
        value = self._value(*told) if told else None
        return float(loss.reshape(())) if value is None else value

    def answered(self, weights: dict[int, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns what the loss function is given with these weights: answers and targets.

        Raises:
            NotReplayable: why they can't be computed.
        """
        assert self.scored is not None
        replaced = {slot: weights[key] for slot, key in self.weights.items()}
        made, wanted = self.tape.play([self.scored.input, self.scored.target], replaced)
        return made, wanted

    def is_alone(self, one: dict[int, Tensor], other: dict[int, Tensor]) -> bool:
        """Returns whether the script's loss is this one call of a function, times a number.

        A penalty may keep weights from what would be best for the answers.

        Args:
            one: Weights with which that is asked.
            other: And others.

        Raises:
            NotReplayable: why it can't be computed.
        """
        if self.scored is None:
            return False
        ratios = []
        for weights in (one, other):
            whole = float(self.compute(weights)[0])
            part = answers.loss_of(
                self.scored.name, *self.answered(weights), self.scored.ignored, as_given=True
            )
            ratios.append(whole / float(part) if part is not None and float(part) else math.nan)
        return math.isclose(*ratios, rel_tol=SAME)

    def _value(self, made: Tensor, wanted: Tensor) -> float | None:
        assert self.scored is not None
        with torch.no_grad():
            value = answers.loss_of(
                self.scored.name, made.detach(), wanted.detach(), self.scored.ignored
            )
        return None if value is None else float(value)
