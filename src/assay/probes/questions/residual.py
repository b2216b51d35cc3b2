"""Question: is the sum of a residual block made smaller, where its branch was meant?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...replay.operations import Operation
from .asked import SHAPES_ONLY, Asked, refuse

BRANCH_AT_MOST = 80
"""Operations of a branch that are followed from a sum back to what it is added to."""

_LAYER = ("addmm", "mm", "linear", "convolution", "bmm")
_RANDOM = ("bernoulli", "rand", "rand_like", "uniform", "random")
_TENSOR_SUM = ("add",)


def scaled_sums(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields the smallest factor that a residual sum is multiplied by, 0 for whole samples dropped.

    A sum is residual if one side leads to the other through a layer. A factor is a constant, a
    weight, or a random mask with one number for each sample.
    """
    tape = asked.replays.tape
    makers: dict[int, Operation] = {}
    sums: dict[int, Operation] = {}
    drawn: set[int] = set()
    factors: list[tuple[float, str, Operation]] = []
    for operation in tape.operations:
        needs = operation.needs()
        made = [slot for _, slot, _, _ in operation.made]
        if operation.name in _RANDOM or (needs and needs[0] in drawn and drawn.issuperset(needs)):
            drawn.update(made)
        if operation.name in _TENSOR_SUM and len(needs) == 2 and made:
            if _is_residual(needs[0], needs[1], makers):
                sums[made[0]] = operation
        elif operation.name in ("mul", "div") and made and any(slot in sums for slot in needs):
            total = next(slot for slot in needs if slot in sums)
            masks = {slot for slot in needs if slot in drawn and _is_by_sample(slot, makers)}
            by, how = _factor(operation, total, needs, masks, tape.given)
            if how:
                factors.append((by, how, sums[total]))
            if by > 1:
                sums[made[0]] = sums[total]  # divided by the share that is kept, then masked
        for slot in made:
            makers.setdefault(slot, operation)
    if not sums:
        raise refuse("the model has no residual block")
    factors.sort(key=lambda found: found[0])
    yield "residual_factor", "", min(factors[0][0], 1.0) if factors else 1.0
    for _, how, operation in factors[:1]:
        asked.watch.event_once(
            "residual_scaled", how, how=how, count=len(factors), line=asked.line(operation)
        )


def _is_by_sample(slot: int, makers: dict[int, Operation]) -> bool:
    """Whether a tensor has one number for each sample, [samples, 1, ...]."""
    operation = makers.get(slot)
    if operation is None:
        return False
    shape = next(shape for _, number, shape, _ in operation.made if number == slot)
    return len(shape) > 1 and shape[0] > 1 and shape.numel() == shape[0]


def _is_residual(one: int, other: int, makers: dict[int, Operation]) -> bool:
    """Whether one of two tensors is made of the other by a layer, and perhaps more."""
    return _leads(one, other, makers) or _leads(other, one, makers)


def _leads(begin: int, end: int, makers: dict[int, Operation]) -> bool:
    """Whether operations lead from one tensor to another, through a layer."""
    waiting, met = [(end, False)], {(end, False)}
    for _ in range(BRANCH_AT_MOST):
        if not waiting:
            return False
        slot, layer = waiting.pop(0)
        operation = makers.get(slot)
        if operation is None or operation.name.endswith(SHAPES_ONLY):
            continue
        layer = layer or operation.name in _LAYER
        for needed in operation.needs():
            if needed == begin and layer:
                return True
            if (needed, layer) not in met:
                met.add((needed, layer))
                waiting.append((needed, layer))
    return False


def _factor(
    operation: Operation,
    total: int,
    needs: list[int],
    masks: set[int],
    given: dict[int, torch.Tensor],
) -> tuple[float, str]:
    """Returns by how much a sum is multiplied, and by what: 0 and "" for what is not known."""
    others = [slot for slot in needs if slot != total]
    if not others:
        value = next((part for part in operation.args if isinstance(part, (int, float))), 0)
        if not value:
            return 0.0, ""
        size = abs(float(value))
        return (1 / size if operation.name == "div" else size), "a constant"
    slot = others[0]
    if operation.name == "mul" and slot in given and given[slot].requires_grad:
        return float(given[slot].detach().abs().mean()), "a weight"
    if operation.name == "mul" and slot in masks:
        return 0.0, "a random mask"
    return 0.0, ""
