"""Question: does what stands in padded places change the answers for real ones?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from ...replay.operations import Operation, Slot
from ...replay.scored import Scored
from .asked import Asked, Changes, Differs, refuse

SHORTEST = 4
ROWS_AT_LEAST = 4
INPUTS_AT_MOST = 2
CHANGED = 0.02
"""Of the spread of answers, from where on the operation is looked for."""

_COMPARE = ("eq", "ne", "gt", "lt", "ge", "le")
_ATTENTION = ("softmax", "safe_softmax", "scaled_dot_product_attention")


class Padded(NamedTuple):
    """An input whose sequences end, or begin, in padding."""

    tokens: torch.Tensor
    places: torch.Tensor
    """[sequences, positions], true where padded."""
    told: bool
    """Whether the model is told which places are padded, by a mask or by lengths."""


def padded_places(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields by how much answers for real places change when what stands in padded ones is other.

    Words are changed behind their embedding, so that a mask that is made of them stays as it is.
    Asked of models that have attention over the positions, or are told which places are padded: to
    those without, padding is a part of the sequence.
    """
    padded = list(_found(asked))
    if not padded:
        raise refuse("no model was given sequences of unequal length with padding")
    pairs = [
        (found, call)
        for found in padded
        for call in asked.scored
        if _count(call, found) is not None
    ]
    if not pairs:
        raise refuse("no loss function of torch scored answers for each sequence")
    changes = [_change(asked, found, scored) for found, scored in pairs[:INPUTS_AT_MOST]]
    yield "padding_change", "", max(changes)


def _change(asked: Asked, found: Padded, scored: Scored) -> float:
    """Returns by how much answers change; names the operation where that is much."""
    attends = any(
        operation.name in _ATTENTION and _spans(operation, found)
        for operation in asked.replays.tape.operations
    )
    if not found.told and not attends and not _compared(asked, found):
        raise refuse("the model has no attention, and is not told which places are padded")
    changes, fill = _filled(asked, found)
    before, target = asked.plain(scored.input, scored.target)
    (after,) = asked.changed(changes, scored.input, each=fill)
    if fill is not None and not fill.filled:
        raise refuse("it is not known where the tokens get their vectors")
    one, other = (_real(made, target, scored, found) for made in (before, after))
    if not len(one):
        raise refuse("no answer of a padded sequence counts")
    spread = (one - one.mean(0)).norm(dim=1).median()
    if not spread > 0:
        raise refuse("the answer is the same for all sequences")
    change = float((one - other).norm(dim=1).median() / spread)
    if change > CHANGED:
        operation = asked.first(changes, scored.input, _RealPlaces(found), each=fill)
        if operation is not None and operation.name == "convolution":
            raise refuse("a convolution takes neighbours in, and padding is one of them")
        if operation is not None:
            asked.watch.event_once(
                "padding_read",
                operation=operation.name,
                line=asked.line(operation),
                told=found.told,
            )
    return change


def _found(asked: Asked) -> Iterator[Padded]:
    for tokens in asked.given.values():
        places = padding_of(tokens)
        if places is not None:
            yield Padded(tokens, places, _is_told(asked, tokens, places))


def padding_of(tokens: torch.Tensor) -> torch.Tensor | None:
    """Returns where an input [sequences, positions] or with features is padded; None if nowhere."""
    whole = tokens.dim() == 2 and not tokens.is_floating_point() and tokens.dtype.itemsize > 1
    frames = tokens.dim() == 3 and tokens.is_floating_point()
    if not (whole or frames) or tokens.shape[0] < ROWS_AT_LEAST or tokens.shape[1] < SHORTEST:
        return None
    for begin in (False, True):
        rows = tokens.flip(1) if begin else tokens
        same = (rows == 0).all(2) if frames else rows == rows[:, -1].mode().values
        end = same.flip(1).cumprod(1).flip(1).bool()
        lengths = (~end).sum(1)
        unequal = lengths.min() != lengths.max() and lengths.min() > 0
        once = not (same & ~end)[:, 1:].any()
        many = int((lengths < tokens.shape[1]).sum()) >= max(2, len(tokens) // 4)
        if unequal and once and many:
            return end.flip(1) if begin else end
    return None


def _is_told(asked: Asked, tokens: torch.Tensor, places: torch.Tensor) -> bool:
    """Whether another input is a mask of these places, or counts the real ones."""
    return any(
        tells_padding(other, places) for other in asked.given.values() if other is not tokens
    )


def tells_padding(other: torch.Tensor, places: torch.Tensor) -> bool:
    """Whether a tensor is a mask of padded places, of any sign, or the lengths without them."""
    if other.device != places.device:
        return False
    if other.dim() == 1 and len(other) == len(places) and not other.is_floating_point():
        return bool((other == (~places).sum(1)).all())
    if other.numel() != places.numel() or other.shape[0] != places.shape[0]:
        return False
    mask = other.reshape(places.shape)
    inside, outside = mask[places], mask[~places]
    return bool((inside == inside[0]).all() & (outside == outside[0]).all()) and bool(
        inside[0] != outside[0]
    )


def _spans(operation: Operation, found: Padded) -> bool:
    """Whether attention is over as many positions as the sequences have."""
    length = found.places.shape[1]
    return any(length in shape[1:] for _, _, shape, _ in operation.made[:1])


def _compared(asked: Asked, found: Padded) -> bool:
    """Whether the tokens are compared with something: a mask is made of them."""
    slot = asked.replays.tape.slot(found.tokens)
    return any(
        operation.name in _COMPARE and slot in operation.needs()
        for operation in asked.replays.tape.operations
    )


def _filled(asked: Asked, found: Padded) -> tuple[Changes, _Fill | None]:
    """Returns what to change: frames as they are given, or the vectors of words."""
    if not found.tokens.is_floating_point():
        return [], _Fill(found)
    if not found.told:
        raise refuse("the model may know padding by its zeros")
    frames = found.tokens.clone()
    frames[found.places] = _others(found.tokens[~found.places], int(found.places.sum()))
    return [(found.tokens, frames)], None


def _others(real: torch.Tensor, count: int) -> torch.Tensor:
    return real[torch.arange(count, device=real.device) * 7 % len(real)]


class _Fill:
    """Puts the vectors of real words in padded places, where an embedding has made them."""

    def __init__(self, found: Padded) -> None:
        self.filled = False
        self._tokens, self._places = found.tokens, found.places

    def __call__(self, operation: Operation, values: dict[int, torch.Tensor]) -> None:
        """Changes the result of an embedding of these tokens."""
        if operation.name != "embedding" or not operation.made:
            return
        _, slot, shape, _ = operation.made[0]
        rows, length = self._places.shape
        if len(shape) != 3 or slot not in values or not self._is_of_tokens(operation, values):
            return
        made = values[slot].clone()
        places = self._places if shape[:2] == (rows, length) else self._places.t()
        made[places] = _others(made[~places], int(places.sum()))
        values[slot] = made
        self.filled = True

    def _is_of_tokens(self, operation: Operation, values: dict[int, torch.Tensor]) -> bool:
        index = operation.args[1]
        given = values.get(index.number) if isinstance(index, Slot) else None
        if given is None or given.numel() != self._tokens.numel():
            return False
        return any(
            given.shape == known.shape and bool((given == known).all())
            for known in (self._tokens, self._tokens.t())
        )


def _count(scored: Scored, found: Padded) -> int | None:
    """Returns how many answers a loss scores for each sequence; None if that can't be told."""
    rows, length = found.places.shape
    if scored.shape[:2] == (rows, length):
        return length
    answers = scored.counted.numel()
    if not answers or answers % rows or scored.shape.numel() % answers:
        return None
    return answers // rows


def _real(made: torch.Tensor, target: torch.Tensor, scored: Scored, found: Padded) -> torch.Tensor:
    """Returns answers that count, for real places of padded sequences, [answers, numbers]."""
    rows, length = found.places.shape
    count = _count(scored, found) or 1
    made = made.float()
    if scored.name in ("cross_entropy", "nll_loss") and made.dim() > 2:
        made = made.movedim(1, -1)  # classes come second there
    kept = found.places.any(1)[:, None].expand(rows, count)
    if count == length:
        kept = kept & ~found.places
    if not target.is_floating_point() and target.numel() == rows * count:
        kept = kept & (target.reshape(rows, count) != scored.ignored)
    return made.reshape(rows, count, -1)[kept]


class _RealPlaces(Differs):
    """The part of a result that belongs to real places, or to whole sequences."""

    def __init__(self, found: Padded) -> None:
        self._real = ~found.places

    def __call__(self, result: torch.Tensor) -> torch.Tensor | None:
        """Returns it; None where it is not known which dimension counts positions."""
        rows, length = self._real.shape
        if rows == length or result.dim() < 2:
            return None
        if result.shape[:2] == (length, rows):
            result = result.transpose(0, 1)
        if result.shape[0] != rows and result.shape[0] % rows == 0 and length in result.shape[1:]:
            result = result.reshape(rows, -1, *result.shape[1:])  # heads count with sequences
        if result.shape[0] != rows:
            return None
        dims = [dim for dim, size in enumerate(result.shape) if size == length and dim]
        if len(dims) == 1:
            return result.movedim(dims[0], 1)[self._real]
        return None if dims else result[(~self._real).any(1)]
