"""Question: does an attention choose among its keys, or weigh all alike, or only ever one?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...replay.operations import Operation, Slot
from .asked import Asked, refuse
from .attention import product_behind

KEYS_AT_LEAST = 4
"""Of fewer keys one may well be alone, or all alike."""
SAMPLES_AT_MOST = 32
MASKED = -1e4
"""Scores below are those of masked keys: none that a model computes is."""
SHARP, EVEN = 0.9, 1e-2
"""From where on, and up to where, the line of an attention is kept."""

_PASSES_ON = ("view", "unsafe_view", "reshape", "transpose", "permute", "clone", "alias", "expand",
              "to_copy", "mul", "div", "where", "masked_fill", "native_dropout")  # fmt: skip


def attention_weights(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields how sharp the sharpest attention of a step is, and how even the evenest.

    Sharp: the largest weight of a query, mean over the queries and heads of one attention. Even:
    the difference between the largest and the least weight of a query, over their mean, the largest
    of one attention. Only queries with four keys or more that are not masked count.
    """
    found = _attentions(asked)
    if not found:
        raise refuse("no attention was computed")
    seen: list[tuple[float, float, Operation]] = []

    def look(operation: Operation, values: dict[int, torch.Tensor]) -> None:
        if id(operation) in found and (numbers := _numbers(operation, values)) is not None:
            seen.append((*numbers, operation))

    asked.changed([], asked.replays.loss_number, each=look)
    if not seen:
        raise refuse(f"no query of an attention saw {KEYS_AT_LEAST} keys or more")
    sharpest, evenest = max(seen, key=lambda one: one[0]), min(seen, key=lambda one: one[1])
    yield "attention_top_weight", "", sharpest[0]
    yield "attention_weight_range", "", evenest[1]
    for far, how, operation in (
        (sharpest[0] >= SHARP, "one key", sharpest[2]),
        (evenest[1] <= EVEN, "all keys", evenest[2]),
    ):
        if far:
            asked.watch.event_once(
                "attention_at", how, how=how, count=len(seen), line=asked.line(operation)
            )


def _attentions(asked: Asked) -> set[int]:
    """Returns the operations, by identity, that make weights which then multiply values."""
    makers: dict[int, Operation] = {}
    found: set[int] = set()
    weights: dict[int, Operation] = {}
    for operation in asked.replays.tape.operations:
        needs = operation.needs()
        if operation.name == "scaled_dot_product_attention":
            found.add(id(operation))
        elif operation.name in ("softmax", "safe_softmax"):
            if operation.made and product_behind(operation, makers)[0] is not None:
                weights[operation.made[0][1]] = operation
        elif operation.name in ("bmm", "mm") and needs and needs[0] in weights:
            found.add(id(weights[needs[0]]))
        elif operation.name in _PASSES_ON:
            made = [slot for _, slot, _, _ in operation.made]
            for maker in [weights[number] for number in needs if number in weights][:1]:
                weights.update(dict.fromkeys(made, maker))
        for _, slot, _, _ in operation.made:
            makers.setdefault(slot, operation)
    return found


def _numbers(operation: Operation, values: dict[int, torch.Tensor]) -> tuple[float, float] | None:
    """Returns how sharp and how even the weights of one attention are."""
    if operation.name == "scaled_dot_product_attention":
        scores = _scores(operation, values)
        if scores is None:
            return None
    else:
        scores = values[operation.needs()[0]][:SAMPLES_AT_MOST].detach().float()
        dim = operation.args[1] if len(operation.args) > 1 else -1
        if not isinstance(dim, int):
            return None
        scores = scores.movedim(dim, -1)
    scores = scores.reshape(-1, scores.shape[-1])
    real = scores > MASKED
    # all masked alike: the weights are those of all keys; by -inf there are none
    real |= ~real.any(1, keepdim=True) & scores.isfinite()
    rows = real.sum(1) >= KEYS_AT_LEAST
    scores, real = scores[rows], real[rows]
    if not len(scores):
        return None
    weights = scores.masked_fill(~real, -torch.inf).softmax(1)
    most, least = weights.amax(1), weights.masked_fill(~real, 2.0).amin(1)
    return float(most.mean()), float(((most - least) * real.sum(1)).amax())


def _scores(operation: Operation, values: dict[int, torch.Tensor]) -> torch.Tensor | None:
    """Returns the scores of torch's own attention, [samples, heads, queries, keys]."""
    names = [argument.name for argument in operation.function._schema.arguments]
    given = {**dict(zip(names, operation.args, strict=False)), **operation.kwargs}
    given = {
        name: values[part.number] if isinstance(part, Slot) else part
        for name, part in given.items()
    }
    query, key = (given[name][:SAMPLES_AT_MOST].detach().float() for name in ("query", "key"))
    if query.shape[:-2] != key.shape[:-2]:
        return None  # several heads share keys
    scale = given.get("scale")
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    mask = given.get("attn_mask", given.get("attn_bias"))
    if mask is not None:
        if mask.dim() == scores.dim() and mask.shape[0] > 1:
            mask = mask[:SAMPLES_AT_MOST]
        if mask.dtype is torch.bool:
            scores = scores.masked_fill(~mask, -torch.inf)
        else:
            scores = scores + mask.float()
    if given.get("is_causal"):
        scores = scores.masked_fill(
            torch.ones_like(scores[0, 0], dtype=torch.bool).triu(1), -torch.inf
        )
    return scores
