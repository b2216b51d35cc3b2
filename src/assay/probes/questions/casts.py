"""Question: does a change of type lose what inputs or targets carry?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from ...replay.operations import Operation
from .asked import Asked
from .spread import LOGITS, NUMBERS

CUT_AT_LEAST = 0.5
"""Share of the numbers that lose a fraction."""
WHOLE_UP_TO = {torch.float16: 2**11, torch.bfloat16: 2**8}
"""Whole numbers above are not all told apart by a type."""

_SMALL = (torch.uint8, torch.int8, torch.int16)
_SAME = ("view", "unsafe_view", "reshape", "transpose", "t", "permute", "clone", "alias", "expand",
         "squeeze", "unsqueeze", "select", "slice", "index", "index_select", "detach",
         "to_copy")  # fmt: skip
_ARITHMETIC = ("add", "sub", "mul", "rsub", "neg")
_OF_CLASSES = ("cross_entropy", "nll_loss")


class Lost(NamedTuple):
    """One change of type: the operation, how it loses, its types, and the numbers that show it."""

    operation: Operation
    how: str
    type_before: str
    type_after: str
    share: float
    low: float
    high: float


def lossy_casts(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields how many operations lose what data carry because of a type.

    Data are tensors that the script made before the model was called. Counted are fractions of
    targets that are cut off, where a loss of numbers takes them or all become one; ids that a half
    type can't tell apart; and arithmetic of small whole numbers whose result does not fit.
    """
    tape, uses = asked.replays.tape, _uses(asked)
    data = {slot for slot, tensor in tape.given.items() if not tensor.requires_grad}
    lost: list[Lost] = []

    def look(operation: Operation, values: dict[int, torch.Tensor]) -> None:
        needs, results = operation.needs(), {slot for _, slot, _, _ in operation.made}
        if not results or not needs or results & set(needs):
            return
        made = values[operation.made[0][1]]
        use = uses.get(operation.made[0][1], set())
        if operation.name == "to_copy" and made.dtype != values[needs[0]].dtype:
            found = _cut(operation, values[needs[0]], made, use)
        elif operation.name in _ARITHMETIC and made.dtype in _SMALL and "input" in use:
            found = _wrapped(operation, values, made)
        else:
            return
        if found is not None and data.issuperset(needs):
            lost.append(found)

    for operation in tape.operations:
        if operation.name in _SAME and data.issuperset(operation.needs()):
            data.update(slot for _, slot, _, _ in operation.made)
    asked.changed([], asked.replays.loss_number, each=look)
    yield "lossy_casts", "", float(len(lost))
    for one in lost[:1]:
        asked.watch.event_once(
            "cast_loses", one.how, how=one.how, before=one.type_before, after=one.type_after,
            share=one.share, low=one.low, high=one.high, line=asked.line(one.operation),
        )  # fmt: skip


def _uses(asked: Asked) -> dict[int, set[str]]:
    """Returns what tensors are used for: as targets of numbers or classes, ids, or inputs."""
    uses: dict[int, set[str]] = {}
    for scored in asked.scored:
        kind = "classes" if scored.name in _OF_CLASSES else "numbers"
        if scored.name in (*LOGITS, *NUMBERS):
            uses.setdefault(scored.target, set()).add(kind)
    for operation in reversed(asked.replays.tape.operations):
        needs = operation.needs()
        made = {slot for _, slot, _, _ in operation.made}
        if operation.name == "embedding" and len(needs) > 1:
            uses.setdefault(needs[1], set()).add("ids")
        elif operation.name in ("addmm", "mm", "convolution", "linear"):
            for slot in needs:
                uses.setdefault(slot, set()).add("input")
        elif operation.name in (*_SAME, *_ARITHMETIC, "div"):
            later = set().union(*(uses.get(slot, set()) for slot in made))
            for slot in needs if later else ():
                uses.setdefault(slot, set()).update(later)
    return uses


def _cut(
    operation: Operation, before: torch.Tensor, after: torch.Tensor, use: set[str]
) -> Lost | None:
    """Returns what a cast of decimal numbers to whole ones loses."""
    if not before.is_floating_point() or after.is_floating_point() or after.dtype is torch.bool:
        return None
    numbers = before.detach().double()
    if not numbers.numel() or not bool(numbers.isfinite().all()):
        return None
    low, high = float(numbers.min()), float(numbers.max())
    types = (_name(before.dtype), _name(after.dtype))
    cut = float((numbers != numbers.trunc()).double().mean())
    all_one = low < high and bool((after == after.flatten()[0]).all())
    if cut >= CUT_AT_LEAST and ("numbers" in use or (all_one and use)):
        return Lost(operation, "all one" if all_one else "fractions", *types, cut, low, high)
    limit = WHOLE_UP_TO.get(before.dtype)
    if "ids" in use and limit is not None and cut == 0 and high > limit:
        share = float((numbers > limit).double().mean())
        return Lost(operation, "ids", *types, share, low, high)
    return None


def _wrapped(
    operation: Operation, values: dict[int, torch.Tensor], made: torch.Tensor
) -> Lost | None:
    """Returns which results of arithmetic do not fit the type, and begin again at its other end."""
    again = Operation(operation.function, operation.args, operation.kwargs, grad=False)
    again.made = [(path, slot, shape, torch.int64) for path, slot, shape, _ in operation.made]
    wide = {slot: values[slot].long() for slot in operation.needs()}
    again.play(wide, grad=False)
    true = wide[operation.made[0][1]]
    wrong = true != made.long()
    if not bool(wrong.any()):
        return None
    kind = _name(made.dtype)
    share = float(wrong.double().mean())
    return Lost(operation, "wrapped", kind, kind, share, float(true.min()), float(true.max()))


def _name(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")
