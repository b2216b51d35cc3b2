"""Question: does each row that a loss of classes is given belong to its target's place?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from ...replay.operations import Operation
from ...replay.scored import Scored
from .asked import Asked, refuse

ELEMENTS_AT_MOST = 4_000_000
CALLS_AT_MOST = 4
CUT_AT_MOST = 2
_LOSSES = ("cross_entropy", "nll_loss")
_RESHAPES = ("view", "unsafe_view", "reshape_alias")
_MOVES = ("transpose", "permute", "t", "squeeze", "unsqueeze", "select", "slice", "expand")
_KEEPS = ("clone", "to_copy", "alias", "detach", "add", "sub", "mul", "div", "log_softmax", "relu")
"""What changes numbers, or the memory that they lie in, and leaves each in its place."""
_BY_CHANNEL = ("convolution", "upsample", "avg_pool", "max_pool", "adaptive_avg_pool")
_BY_LAST = ("addmm", "mm", "bmm", "baddbmm")


def arranged_rows(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields which share of a loss's rows hold no classes of one place, or stand at another's.

    A number is put in the place of each that the last layer made, and follows the views of it to
    the loss. A row of classes is to be of one place, and where the targets' own dimensions are
    known, of that target's place, or of one that lies by the same distance from it in all rows.
    """
    makers: dict[int, Operation] = {}
    for operation in asked.replays.tape.operations:
        for _, slot, _, _ in operation.made:
            makers.setdefault(slot, operation)
    worst: tuple[float, str, list[Any] | None] | None = None
    for call in asked.scored[:CALLS_AT_MOST]:
        found = _rows(asked, makers, call) if call.name in _LOSSES else None
        if found is not None and (worst is None or found[0] > worst[0]):
            worst = found
    if worst is None:
        raise refuse("no loss of classes is given what a layer made for several places")
    share, how, line = worst
    yield "rows_rearranged", "", share
    if share > 0:
        asked.watch.event_once("rows_moved", how=how, line=line)


def _rows(
    asked: Asked, makers: dict[int, Operation], call: Scored
) -> tuple[float, str, list[Any] | None] | None:
    """Returns the share of rows that are wrong, how, and the line that arranged them so."""
    chain, slot = _behind(makers, call.input)
    made = makers.get(slot)
    if made is None or len(call.counted) != len(call.shape) - 1:
        return None
    by_last = made.name in _BY_LAST
    if not by_last and not made.name.startswith(_BY_CHANNEL):
        return None
    shape = made.made[0][2]
    if by_last and chain and chain[-1].name in _RESHAPES:
        first = chain[-1].made[0][2]
        if first[-1] == shape[-1]:  # a layer sees samples and positions as one dimension
            chain, shape, slot = chain[:-1], first, chain[-1].made[0][1]
    channel = len(shape) - 1 if by_last else 1
    if len(shape) < 3 or shape[channel] < 2 or shape.numel() > ELEMENTS_AT_MOST:
        return None
    index = _followed(torch.arange(shape.numel()).reshape(shape), chain, slot)
    if index is None or index.shape != call.shape or call.shape[1] < 2:
        return None
    rows = index.movedim(1, -1).reshape(-1, call.shape[1])
    at = _coordinates(rows, shape)
    line = next((known for op in chain if op.name in _RESHAPES and (known := asked.line(op))), None)
    whole = torch.ones(len(rows), dtype=torch.bool)
    alone = torch.ones(len(rows), dtype=torch.bool)
    for dim, (place, size) in enumerate(zip(at, shape, strict=True)):
        if dim == channel:
            continue
        constant = (place == place[:, :1]).all(1)
        alone &= constant
        every = place.sort(1).values.diff(dim=1).ne(0).sum(1) + 1 == size
        whole &= constant | every
    if not bool(whole.all()):
        return float((~whole).float().mean()), "mixed", line
    if not bool(alone.all()):
        return 0.0, "", None  # a choice among places
    places = [place[:, 0] for dim, place in enumerate(at) if dim != channel]
    sizes = [size for dim, size in enumerate(shape) if dim != channel]
    moved = _moved(asked, makers, call, places, sizes)
    return None if moved is None else (moved, "elsewhere" if moved else "", line)


def _moved(
    asked: Asked,
    makers: dict[int, Operation],
    call: Scored,
    places: list[torch.Tensor],
    sizes: list[int],
) -> float | None:
    """Returns the share of rows that stand elsewhere than most; None where it can't be told."""
    chain, slot = _behind(makers, call.target)
    own = makers[slot].made[0][2] if slot in makers else asked.replays.tape.given[slot].shape
    if len(own) != len(sizes) or own.numel() > ELEMENTS_AT_MOST:
        return None
    index = _followed(torch.arange(own.numel()).reshape(own), chain, slot)
    if index is None or index.numel() != len(places[0]):
        return None
    targets = _coordinates(index.reshape(-1), own)
    order = _order(sizes, list(own))
    if order is None:
        return None
    wrong = torch.zeros(len(places[0]), dtype=torch.bool)
    for place, dim in zip(places, order, strict=True):
        apart = place - targets[dim]
        wrong |= apart != apart.mode().values
    return float(wrong.float().mean())


def _order(sizes: list[int], own: list[int]) -> list[int] | None:
    """Returns which of the target's dimensions each of the answer's is; None if that is unknown.

    One dimension may be cut by some places, as where each word is to tell the next.
    """
    if sizes != own and sorted(sizes) == sorted(own):
        return [own.index(size) for size in sizes] if len(set(own)) == len(own) else None
    apart = [abs(one - other) for one, other in zip(sizes, own, strict=True) if one != other]
    return list(range(len(sizes))) if sum(apart) <= CUT_AT_MOST and len(apart) <= 1 else None


def _behind(makers: dict[int, Operation], slot: int) -> tuple[list[Operation], int]:
    """Returns the operations that only move a tensor's numbers, the last first, and their start."""
    chain: list[Operation] = []
    while slot in makers:
        operation = makers[slot]
        needs = operation.needs()
        keeps = operation.name in _KEEPS and needs and _shape(makers, needs[0]) in (
            None, operation.made[0][2]
        )  # fmt: skip
        if not (keeps or operation.name in _RESHAPES + _MOVES) or operation.made[0][1] != slot:
            break
        chain.append(operation)
        slot = needs[0]
    return chain, slot


def _shape(makers: dict[int, Operation], slot: int) -> torch.Size | None:
    return makers[slot].made[0][2] if slot in makers else None


def _followed(index: torch.Tensor, chain: Sequence[Operation], start: int) -> torch.Tensor | None:
    """Returns where the numbers of the first tensor of a chain lie in its last."""
    for operation in reversed(chain):
        shape = operation.made[0][2]
        if operation.name in _RESHAPES:
            index = index.reshape(shape)
        elif operation.name in _MOVES:
            rest = [[*part] if type(part) is list else part for part in operation.args[1:]]
            index = operation.function._op(index, *rest, **operation.kwargs)
        if index.shape != shape:
            return None
    return index


def _coordinates(index: torch.Tensor, shape: torch.Size) -> list[torch.Tensor]:
    return list(torch.unravel_index(index, tuple(shape)))
