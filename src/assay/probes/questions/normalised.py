"""Question: are the weights of an attention by hand summed over what they are normalised over?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...replay.operations import Operation
from .asked import Asked, refuse
from .attention import product_behind

_VIEWS = ("view", "unsafe_view", "reshape")
_KEEPING = ("clone", "alias", "expand", "to_copy", "native_dropout", "masked_fill")
_DRAWN = ("empty_like", "bernoulli", "div")
"""What makes the mask of a dropout on a CPU, which then multiplies the weights."""


def summed_otherwise(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields how many attentions by hand sum over another dimension than their softmax does.

    Weights are followed from the softmax, through what moves or drops them, to the product with
    values. That sums over the last dimension of its first factor and the last but one of its
    second; where that is not the dimension of the softmax, the weights of a sum are not 1 together.
    Weights that anything else changes, as where they are normalised again, are not followed. A
    softmax over a dimension of size 1, whose results weigh what is summed over a longer one, is
    wrong whatever its scores are made of: it gives 1.
    """
    makers: dict[int, Operation] = {}
    places: dict[int, tuple[Operation, int]] = {}  # of weights: their softmax, its dimension
    summed: dict[int, tuple[Operation, bool]] = {}
    weighed: dict[int, tuple[Operation, torch.Size]] = {}  # a product with weights, their shape
    for operation in asked.replays.tape.operations:
        if operation.name in ("softmax", "safe_softmax"):
            dim = _dimension(operation)
            alone = dim is not None and operation.made[0][2][dim] == 1
            if dim is not None and (alone or product_behind(operation, makers)[0] is not None):
                places[operation.made[0][1]] = operation, dim
        elif operation.name == "bmm":
            for slot, over in zip(operation.needs(), (2, 1), strict=False):
                if slot in places:
                    softmax, dim = places[slot]
                    right = summed.get(id(softmax), (softmax, False))[1] or dim == over
                    summed[id(softmax)] = softmax, right
        elif operation.name in ("sum", "mean") and operation.needs()[0] in weighed:
            softmax, shape = weighed[operation.needs()[0]]
            if any(shape[over] > 1 for over in _over(operation, len(shape))):
                summed[id(softmax)] = softmax, False
        elif operation.name == "mul" and (weights := _weights(operation, places, makers)):
            weighed[operation.made[0][1]] = weights
        elif operation.made and (needs := operation.needs()) and needs[0] in places:
            softmax, dim = places[needs[0]]
            if operation.name == "mul" and not _is_mask(needs[1:], makers):
                continue
            shape = next(s for _, slot, s, _ in makers[needs[0]].made if slot == needs[0])
            moved = _moved(operation, shape, dim)
            if moved is not None:
                places[operation.made[0][1]] = softmax, moved
        for _, slot, _, _ in operation.made:
            makers.setdefault(slot, operation)
    if not summed:
        raise refuse("no attention by hand was computed")
    wrong = [softmax for softmax, right in summed.values() if not right]
    yield "attention_summed_otherwise", "", float(len(wrong))
    if wrong:
        asked.watch.event_once(
            "attention_dimension",
            dim=_dimension(wrong[0]),
            shape=list(wrong[0].made[0][2]),
            of=len(summed),
            line=asked.line(wrong[0]),
        )


def _dimension(softmax: Operation) -> int | None:
    """Returns over which dimension a softmax sums, counted from the front."""
    dim = softmax.args[1] if len(softmax.args) > 1 else None
    if not isinstance(dim, int) or not softmax.made:
        return None
    return dim % len(softmax.made[0][2])


def _weights(
    operation: Operation, places: dict[int, tuple[Operation, int]], makers: dict[int, Operation]
) -> tuple[Operation, torch.Size] | None:
    """Returns softmax and shape of the weights of 1 that a product has; None without any."""
    for slot in operation.needs():
        if slot in places and places[slot][0].made[0][2][_dimension(places[slot][0]) or 0] == 1:
            shape = next(shape for _, made, shape, _ in makers[slot].made if made == slot)
            if len(shape) == len(operation.made[0][2]) and operation.made[0][2] != shape:
                return places[slot][0], shape
    return None


def _over(operation: Operation, dims: int) -> list[int]:
    """Returns the dimensions that a sum goes over; none where it is over all."""
    given = operation.args[1] if len(operation.args) > 1 else None
    return [dim % dims for dim in given] if isinstance(given, (list, tuple)) else []


def _is_mask(slots: list[int], makers: dict[int, Operation]) -> bool:
    """Whether weights are multiplied by what a dropout has drawn."""
    return len(slots) == 1 and slots[0] in makers and makers[slots[0]].name in _DRAWN


def _moved(operation: Operation, before: torch.Size, dim: int) -> int | None:
    """Returns where the dimension lies in an operation's result; None where that can't be told."""
    after, name, args = operation.made[0][2], operation.name, operation.args
    if name == "transpose":
        one, other = (place % len(before) for place in args[1:3])
        return {one: other, other: one}.get(dim, dim)
    if name == "permute":
        return [place % len(before) for place in args[1]].index(dim)
    if name == "unsqueeze":
        return dim + (args[1] % len(after) <= dim)
    if name in _VIEWS:
        return _in_view(before, after, dim)
    return dim if (name in _KEEPING or name == "mul") and before == after else None


def _in_view(before: torch.Size, after: torch.Size, dim: int) -> int | None:
    kept = before[-2:] == after[-2:]
    if kept and dim >= len(before) - 2:
        return len(after) + dim - len(before)
    ahead, alone = before[:dim].numel(), before[dim] == 1  # one of many that are 1 can't be told
    for place, size in enumerate(after):
        if size == before[dim] and after[:place].numel() == ahead and not alone:
            return place
    return 0 if kept else None  # heads and samples may be one dimension now
