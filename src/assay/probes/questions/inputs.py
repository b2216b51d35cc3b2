"""Question: does the answer of a model depend on each tensor that it was given?"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch

from ...replay.asking import Call
from ...replay.operations import Operation, Slot
from ...replay.operators import effects_of
from ...replay.structure import Path, leaves
from ...seams.callsite import is_user_file
from .asked import SHAPES_ONLY, Asked, refuse
from .padding import padding_of, tells_padding

INPUTS_AT_MOST = 8


def used_inputs(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields, for each input of a model by place, 1 if its answer depends on it and 0 if not.

    Read off the recorded operations: without a chain of them from the input to what the model gives
    back no number in it can matter. A value that Python read counts as such a chain. Only inputs
    whose rows differ are asked.
    """
    calls = asked.replays.calls
    if not calls:
        raise refuse("no model with weights was called")
    found: dict[str, int] = {}
    lines: dict[str, Any] = {}
    for call in calls[:INPUTS_AT_MOST]:
        for path, tensor in list(call.inputs.items())[:INPUTS_AT_MOST]:
            name = _name(call, path)
            if name is None or not _varies(tensor) or _is_padding(call, tensor):
                continue
            place = (
                name if call.module is calls[0].module else f"{type(call.module).__name__} {name}"
            )
            found[place] = max(found.get(place, 0), int(_reaches(asked, call, tensor)))
            lines[place] = forward_line(call)
    if not found:
        raise refuse("no model was given a tensor whose rows differ")
    for place, used in found.items():
        yield "input_used", place, used
        if not used:
            asked.watch.event_once("input_unused", place, place=place, line=lines[place])


def _name(call: Call, path: Path) -> str | None:
    """Returns the name that `forward` has for an input; None for what it takes by * or **."""
    if len(path) != 2:
        return None  # inside a list or a dict
    try:
        names = inspect.signature(type(call.module).forward).parameters
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if path[0] == 1:
        return str(path[1]) if path[1] in names else None
    taken = [name for name, parameter in names.items() if parameter.kind in kinds][1:]
    return taken[path[1]] if path[1] < len(taken) else None


def forward_line(call: Call) -> list[Any] | None:
    """Returns the line where the user's `forward` begins."""
    code = getattr(type(call.module).forward, "__code__", None)
    if code is None or not is_user_file(code.co_filename):
        return None
    return [code.co_filename, code.co_firstlineno, code.co_name]


def _varies(tensor: torch.Tensor) -> bool:
    return tensor.dim() > 0 and len(tensor) > 1 and bool((tensor != tensor[:1]).any())


def _is_padding(call: Call, tensor: torch.Tensor) -> bool:
    """Whether it says which places are padded: what a model makes of that is another question."""
    found = (padding_of(other) for other in call.inputs.values() if other is not tensor)
    return any(places is not None and tells_padding(tensor, places) for places in found)


def _reaches(asked: Asked, call: Call, tensor: torch.Tensor) -> bool:
    """Whether operations lead from a tensor to an answer, or Python read what they made of it."""
    tape = asked.replays.tape
    begin = tape.slot(tensor)
    if begin is None or not call.result:
        return begin is not None
    same = _Aliases()
    reached = {begin}
    for operation in tape.operations[: call.ended_at]:
        needed = operation.needs()
        results = [slot for _, slot, _, _ in operation.made]
        written = _written(operation)
        if _is_view(operation, written):
            for slot in results:
                same.join(slot, needed[0])
                if slot in reached:
                    reached.add(same.of(slot))
        if not any(same.of(slot) in reached for slot in needed):
            continue
        if operation.function is None or (operation.found and not operation.made):
            return True  # Python has read it
        if not operation.name.endswith(SHAPES_ONLY):
            reached.update(same.of(slot) for slot in (*results, *written))
    return any(same.of(slot) in reached for slot in call.result.values())


def _written(operation: Operation) -> list[int]:
    if operation.function is None:
        return []
    found = []
    for position, name in effects_of(operation.function).written:
        args = operation.args
        value = args[position] if position < len(args) else operation.kwargs.get(name)
        found += [part.number for _, part in leaves(value) if isinstance(part, Slot)]
    return found


def _is_view(operation: Operation, written: list[int]) -> bool:
    """Whether a result shares the memory of the first argument."""
    if operation.function is None or written or not operation.needs():
        return False
    returns = operation.function._schema.returns
    return any(value.alias_info is not None for value in returns)


class _Aliases:
    """Which numbers stand for the same memory."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}

    def of(self, slot: int) -> int:
        """Returns the number that stands for all that share a memory."""
        while slot in self._first:
            slot = self._first[slot]
        return slot

    def join(self, view: int, base: int) -> None:
        """Notes that one is a view of the other."""
        one, other = self.of(view), self.of(base)
        if one != other:
            self._first[one] = other
