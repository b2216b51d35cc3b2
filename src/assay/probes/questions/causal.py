"""Question: does a later token change an earlier answer of a model that predicts the next one?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from ...replay.scored import Scored
from .asked import Asked, Differs, refuse

SHORTEST = 4
"""Positions of the shortest sequences that are asked."""
COUNTED_AT_LEAST = 16
NEXT_AT_LEAST = 0.99
"""Share of the counted targets that are the next token of the input."""
CHANGED = 0.005
"""Of the spread of answers, from where on the operation is looked for."""

CLASSES = ("cross_entropy", "nll_loss")
NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


class NextToken(NamedTuple):
    """An input whose next token a loss asks for; sequences lie along `dim` of the input."""

    tokens: torch.Tensor
    dim: int
    scored: Scored
    counted: torch.Tensor
    """Which targets count, [sequences, positions]."""


def later_tokens(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields by how much answers change when only tokens after them are others.

    The first half of each scored sequence keeps its tokens; those of the second half are taken from
    another sequence, where both have one that counts. Of several inputs that are the targets moved
    by one (an encoder is given the same as its decoder) the least change counts.
    """
    found = list(_found(asked))
    if not found:
        raise refuse("no model is trained to predict the next token of what it is given")
    changes = [(each, *made) for each in found if (made := _change(asked, each)) is not None]
    if not changes:
        raise refuse("no answer depends on the tokens whose next one the loss asks for")
    each, new, half, change = min(changes, key=lambda made: made[3])
    yield "later_token_change", "", change
    if change > CHANGED:
        operation = asked.first(
            [(each.tokens, new)], each.scored.input, _Earlier(each.tokens.shape[each.dim], half)
        )
        if operation is not None:
            asked.watch.event_once(
                "causal_leak", operation=operation.name, line=asked.line(operation)
            )


def _found(asked: Asked) -> Iterator[NextToken]:
    """Yields each input that is the targets of a loss, moved by one position."""
    for scored in asked.scored:
        if scored.name not in (*CLASSES, *NUMBERS):
            continue
        for tokens in asked.given.values():
            for dim in _dims(tokens, scored):
                (target,) = asked.plain(scored.target)
                counted = _next(tokens, dim, target, scored)
                if counted is not None:
                    yield NextToken(tokens, dim, scored, counted)
                    break


def _dims(tokens: torch.Tensor, scored: Scored) -> list[int]:
    """Returns the dimensions of an input that may count positions, for a loss of these shapes."""
    whole = tokens.dim() == 2 and not tokens.is_floating_point() and tokens.dtype.itemsize > 1
    frames = tokens.dim() == 3 and tokens.is_floating_point()
    if tokens.dim() == 1 and not tokens.is_floating_point():
        return [0] if len(tokens) >= SHORTEST and scored.counted.numel() == len(tokens) else []
    if not (whole or frames):
        return []
    wide = tokens.shape[2] if frames and scored.name in NUMBERS else 1
    found = []
    for dim in (1, 0):
        length, rows = tokens.shape[dim], tokens.shape[1 - dim]
        scores = [rows * wide * positions for positions in (length, length - 1)]
        if length >= SHORTEST and rows and scored.counted.numel() in scores:
            found.append(dim)
    return found


def _next(
    tokens: torch.Tensor, dim: int, target: torch.Tensor, scored: Scored
) -> torch.Tensor | None:
    """Returns which targets count if they are the next tokens of this input; None if not."""
    given = in_rows(tokens, dim)
    rows = len(given)
    if scored.name in CLASSES:
        if target.is_floating_point():
            return None
        given = given.argmax(2) if given.is_floating_point() else given
        wanted = _by_rows(target, rows, dim)
        counted = wanted != scored.ignored
    else:
        if not given.is_floating_point():
            return None
        wanted = _by_rows(target, rows, dim, given.shape[2])
        counted = torch.ones(wanted.shape[:2], dtype=torch.bool, device=wanted.device)
    if given.device != wanted.device:
        return None
    length = min(wanted.shape[1], given.shape[1] - 1)
    used = counted[:, :length]
    if used.sum() < COUNTED_AT_LEAST:
        return None
    same = [
        (_equal(given[:, first : first + length], wanted[:, :length]) & used).sum() / used.sum()
        for first in (1, 0)
    ]
    return used if same[0] >= NEXT_AT_LEAST and same[0] > same[1] else None


def in_rows(tensor: torch.Tensor, dim: int) -> torch.Tensor:
    """Returns a view of shape [sequences, positions, ...]."""
    return tensor.unsqueeze(0) if tensor.dim() == 1 else tensor.transpose(0, 1 - dim)


def _by_rows(target: torch.Tensor, rows: int, dim: int, wide: int = 1) -> torch.Tensor:
    """Returns targets, flattened or not, as [sequences, positions] or with features behind."""
    features = () if wide == 1 else (wide,)
    shape = (rows, -1, *features) if dim == 1 or rows == 1 else (-1, rows, *features)
    made = target.reshape(shape)
    return made if dim == 1 or rows == 1 else made.transpose(0, 1)


def _equal(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    same = one == other.reshape(one.shape) if one.numel() == other.numel() else one != one
    return same.all(2) if same.dim() == 3 else same


def _change(asked: Asked, each: NextToken) -> tuple[torch.Tensor, int, float] | None:
    """Returns other tokens, the position where they begin, and by how much answers change.

    None for an input that no answer depends on, such as labels.
    """
    given, counted = in_rows(each.tokens, each.dim), each.counted
    rows, length = counted.shape
    places = counted.any(0).nonzero().flatten()
    half = int(places[0] + places[-1]) // 2 + 1
    both = counted & counted.roll(1, 0)
    later = torch.zeros(given.shape[:2], dtype=torch.bool, device=given.device)
    later[:, half : length + 1] = both[:, half - 1 : length]
    other = given.roll(1, 0)
    if rows == 1:
        other = given.clone()
        other[:, half:] = given[:, half:].roll(1, 1)
    mask = later if given.dim() == 2 else later.unsqueeze(2)
    changed = torch.where(mask, other, given)
    moved = changed != given
    moved = moved.any(2) if moved.dim() == 3 else moved
    asks = moved[:, half]
    if not asks.any():
        asks = moved.any(1)
    if not asks.any():
        raise refuse("no two sequences of the batch differ in their second half")
    new = changed[0] if each.tokens.dim() == 1 else changed.transpose(0, 1 - each.dim)
    (after,) = asked.changed([(each.tokens, new.contiguous())], each.scored.input)
    (before,) = asked.plain(each.scored.input)
    if torch.equal(before, after):
        return None
    one, two = (_scores(made, each, rows)[:, :half] for made in (before, after))
    early = counted[:, :half] & asks[:, None]
    if not early.any():
        raise refuse("no target counts before tokens that were changed")
    real = one[counted[:, :half]]
    spread = (real - real.mean(0)).norm(dim=1).median()
    if not spread > 0:
        raise refuse("the answer is the same at all positions")
    difference = (one - two).norm(dim=2)
    medians = [
        difference[early[:, position], position].median()
        for position in range(half)
        if early[:, position].any()
    ]
    return new, half, float(torch.stack(medians).max() / spread)


def _scores(made: torch.Tensor, each: NextToken, rows: int) -> torch.Tensor:
    """Returns scores as [sequences, positions, classes]."""
    made = made.float()
    if each.scored.name in CLASSES:
        if made.dim() > 2:
            made = made.movedim(1, -1)  # classes come second there
        made = made.reshape(-1, made.shape[-1])
        return _by_rows(made, rows, each.dim, made.shape[-1]).reshape(rows, -1, made.shape[-1])
    features = each.tokens.shape[-1]
    return _by_rows(made, rows, each.dim, features).reshape(rows, -1, features)


class _Earlier(Differs):
    """The part of a result that belongs to the first positions, where one dimension counts them."""

    def __init__(self, length: int, half: int) -> None:
        self._lengths, self._half = (length, length - 1), half

    def __call__(self, result: torch.Tensor) -> torch.Tensor | None:
        """Returns it; None where no dimension, or several, may be that of positions."""
        dims = [dim for dim, size in enumerate(result.shape) if size in self._lengths]
        return result.narrow(dims[0], 0, self._half) if len(dims) == 1 else None
