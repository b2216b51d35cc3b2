"""Operations and scores as a tape has them, written down instead of recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch

from assay.replay.operations import Operation, Slot
from assay.replay.scored import Scored


class Named(Operation):
    """An operation known by its name alone."""

    def __init__(self, called: str, args: tuple[Any, ...]) -> None:
        super().__init__(object(), args, {}, grad=True)
        self._called = called

    @property
    def name(self) -> str:
        return self._called


def op(
    name: str, needs: Sequence[Any] = (), made: int | None = None, shape: Sequence[int] = (8, 4)
) -> Any:
    """Returns an operation: whole numbers of `needs` are tensors, all else stands as it is.

    Args:
        name: of the operation.
        needs: its arguments.
        made: number of its result.
        shape: of its result.
    """
    args = tuple(Slot(part) if type(part) is int else part for part in needs)
    made_by = Named(name, args)
    if made is not None:
        made_by.made.append(((), made, torch.Size(shape), torch.float32))
    return made_by


def makers(*operations: Any) -> dict[int, Any]:
    return {slot: each for each in operations for _, slot, _, _ in each.made}


def score(
    name: str, shape: Sequence[int], counted: Sequence[int], ignored: int = -100, target: int = 2
) -> Scored:
    return Scored(name, 1, target, ignored, torch.Size(shape), torch.Size(counted))


def asked(
    operations: Sequence[Any] = (),
    *,
    given: Sequence[torch.Tensor] = (),
    scored: Sequence[Scored] = (),
    plain: dict[int, torch.Tensor] | None = None,
    answer: Callable[[torch.Tensor], torch.Tensor] | None = None,
    held: dict[int, torch.Tensor] | None = None,
) -> Any:
    """Returns a step that can be asked.

    Args:
        operations: what was computed.
        given: what a model was given.
        scored: the losses.
        plain: tensors as they were, by number.
        answer: the answer to what is given; its first change is taken.
        held: the weights and inputs, by number.
    """
    known = {id(tensor): number for number, tensor in (held or {}).items()}
    tape = SimpleNamespace(
        operations=list(operations), given=held or {}, slot=lambda one: known.get(id(one))
    )
    events: list[tuple[str, dict[str, Any]]] = []

    def changed(changes: Any, *numbers: int, each: Any = None) -> list[torch.Tensor]:
        if answer is not None and changes:
            return [answer(changes[0][1])]
        return [(plain or {})[number] for number in numbers]

    return SimpleNamespace(
        replays=SimpleNamespace(tape=tape, calls=[]),
        given=dict(enumerate(given)),
        scored=list(scored),
        plain=lambda *numbers: [(plain or {})[number] for number in numbers],
        changed=changed,
        first=lambda *given, **more: operations[0] if operations else None,
        line=lambda operation: ["train.py", 7, operation.name],
        watch=SimpleNamespace(
            event_once=lambda kind, *key, **data: events.append((kind, data)),
            names=SimpleNamespace(parameter=lambda weight: "a name"),
        ),
        events=events,
    )
