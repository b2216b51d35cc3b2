"""Question: are the scores of attention by hand divided by anything before their softmax?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...replay.operations import Operation
from .asked import Asked, refuse

STEPS_BACK = 24
"""Operations that are followed from a softmax back to its scores, and from these to layers."""

_SAME = ("view", "unsafe_view", "reshape", "transpose", "t", "permute", "clone", "alias", "expand",
         "squeeze", "unsqueeze", "select", "slice", "split", "to_copy")  # fmt: skip
_MASKING = ("masked_fill", "where", "add", "tril", "triu")
_SCALING = ("mul", "div")
_LAYER = ("addmm", "mm", "linear")
_PRODUCT = ("bmm", "baddbmm")


def unscaled_scores(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields the spread of the scores of an attention by hand, where nothing scales them.

    The scores are a product of two layers' results, made larger or smaller by nothing on the way to
    the softmax. The spread is that of one query's finite scores, of the median query; 0 where all
    attention of the step is scaled.
    """
    tape = asked.replays.tape
    makers: dict[int, Operation] = {}
    found: list[tuple[Operation, int, int]] = []
    any_attention = False
    for operation in tape.operations:
        if operation.name in ("softmax", "safe_softmax"):
            product, scaled = product_behind(operation, makers)
            if product is not None:
                any_attention = True
                if not scaled and _is_plain(product, makers, set(tape.given)):
                    found.append((product, operation.needs()[0], _width(product, makers)))
        for _, slot, _, _ in operation.made:
            makers.setdefault(slot, operation)
    if not any_attention:
        raise refuse("no attention by hand was computed")
    if not found:
        yield "unscaled_scores", "", 0.0
        return
    scores = asked.changed([], *(slot for _, slot, _ in found))
    spreads = [_spread(each) for each in scores]
    worst = max(range(len(found)), key=spreads.__getitem__)
    yield "unscaled_scores", "", spreads[worst]
    asked.watch.event_once(
        "scores_unscaled", width=found[worst][2], line=asked.line(found[worst][0])
    )


def product_behind(
    softmax: Operation, makers: dict[int, Operation]
) -> tuple[Operation | None, bool]:
    """Returns the product of two results behind a softmax, and whether something scales it."""
    operation: Operation | None = softmax
    scaled = False
    for _ in range(STEPS_BACK):
        if operation is None:
            break
        before = [makers[slot] for slot in operation.needs() if slot in makers]
        operation = next((made for made in before if made.name in _PRODUCT), None)
        if operation is not None:
            return operation, scaled or operation.name == "baddbmm"
        known = (*_SAME, *_MASKING, *_SCALING)
        operation = next((made for made in before if made.name in known), None)
        scaled = scaled or (operation is not None and operation.name in _SCALING)
    return None, scaled


def _is_plain(product: Operation, makers: dict[int, Operation], given: set[int]) -> bool:
    """Whether both sides of a product are results of layers, reshaped and no more."""
    for slot in product.needs()[-2:]:
        operation = makers.get(slot)
        for _ in range(STEPS_BACK):
            if operation is None or operation.name in _LAYER:
                break
            is_bias = operation.name == "add" and len(operation.needs()) == 2
            if operation.name not in _SAME and not (
                is_bias and any(number in given for number in operation.needs())
            ):
                return False
            needs = [number for number in operation.needs() if number in makers]
            operation = makers.get(needs[0]) if needs else None
        if operation is None or operation.name not in _LAYER:
            return False
    return True


def _width(product: Operation, makers: dict[int, Operation]) -> int:
    """Returns over how many numbers a score sums."""
    one = makers[product.needs()[-2]]
    return int(one.made[0][2][-1])


def _spread(scores: torch.Tensor) -> float:
    rows = scores.float().reshape(-1, scores.shape[-1])
    rows = rows[(rows > -1e4).sum(1) > 1]
    if not len(rows):
        return 0.0
    real = rows > -1e4
    count = real.sum(1)
    kept = rows.masked_fill(~real, 0)
    mean = kept.sum(1) / count
    squares = ((kept - mean[:, None]) * real).pow(2).sum(1) / (count - 1)
    return float(squares.sqrt().median())
