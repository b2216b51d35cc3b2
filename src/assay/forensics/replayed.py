"""Traces a step of the run itself, where it was recorded: its tape is played again, and watched."""

from __future__ import annotations

from typing import Any

import torch

from ..replay.replays import Replays
from ..replay.structure import NotReplayable, is_weight
from ..replay.tape import Tape
from ..seams.callsite import line_at
from ..watching.names import Names
from .births import Births
from .calls import Birth, Place
from .facts import is_finite, storage
from .tracer import Tracer


def broken_loss(replays: Replays, names: Names) -> Birth | None:
    """Returns where the recorded loss, which is not finite, is from.

    Raises:
        NotReplayable: It can't be computed again.
    """
    tape = replays.tape
    births = Births(names)

    def work() -> Birth | None:
        (loss,) = _play(tape, births, [replays.loss_number], {})
        return None if is_finite(loss) else births.of(loss)

    return replays.undisturbed(work)


def broken_gradient(replays: Replays, names: Names, weight: torch.Tensor) -> Birth | None:
    """Returns where the gradient of a weight, which is not finite, is from.

    Raises:
        NotReplayable: It can't be computed again.
    """
    tape = replays.tape
    births = Births(names)
    number = tape.slot(weight)
    if number is None:
        return None

    def work() -> Birth | None:
        leaves: dict[int, torch.Tensor] = {}
        for slot, given in tape.given.items():
            if is_weight(given) and given.requires_grad:
                leaves[slot] = given.detach().requires_grad_()
                births.weights[storage(given)] = names.parameter(given) or "a parameter"
        if number not in leaves:
            return None
        gradient = _play(tape, births, [replays.loss_number], leaves, wanted=leaves[number])[0]
        return None if is_finite(gradient) else births.of(gradient)

    return replays.undisturbed(work)


def _play(
    tape: Tape,
    births: Births,
    numbers: list[int],
    replaced: dict[int, torch.Tensor],
    wanted: torch.Tensor | None = None,
) -> list[torch.Tensor]:
    """Plays a tape, watched; returns what is asked for, or its gradient by what is wanted."""
    operations, at = tape.operations, 0

    def where() -> Place:
        found = None
        if at < len(operations):
            found = tape.line(operations[at])
        return Place(None if found is None else line_at(*found))

    def each(operation: Any, values: Any) -> None:
        nonlocal at
        at += 1

    tracer = Tracer(births, where)
    tracer.enter()
    try:
        results = tape.play(numbers, replaced, grad=wanted is not None, each=each)
        if wanted is not None:
            with torch.enable_grad():
                results = list(torch.autograd.grad(results[0], [wanted], allow_unused=True))
    finally:
        tracer.leave()
    if tracer.error is not None:
        raise NotReplayable(f"tracing failed ({type(tracer.error).__name__}: {tracer.error})")
    if any(result is None for result in results):
        raise NotReplayable("the loss does not depend on that weight")
    return results
