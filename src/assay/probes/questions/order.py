"""Question: does the order of a sequence matter to a model that has positions?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch

from ...replay.operations import Operation
from .asked import Asked, refuse
from .inputs import forward_line
from .padding import padding_of

SHORTEST = 4
ROWS_AT_LEAST = 4
NONE = 1e-3
"""Of the spread of answers, from where down it is noted where positions come in."""

_PARTS = ("slice", "select", "index", "view", "unsqueeze", "squeeze", "transpose", "t", "permute",
          "expand", "alias", "detach", "clone", "to_copy", "unsafe_view")  # fmt: skip

_POSITIONS = re.compile(
    r"(^|[._])(pe|wpe|pos|poses|[a-z_]*_pos|pos_[a-z_]*|pos[ie]mb[a-z]*|[a-z_]*position[a-z_]*)"
    r"([0-9]*)($|[._])"
)
"""Names of what holds positions: `pe`, `pos_embed`, `wpe`, `positional_encoding`, `positions`."""


def changed_order(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields by how much answers change when the elements of each sequence change places.

    Asked of models with positions, by the names and classes of what they are made of. Real places
    change among each other, padded ones stay. Answers at positions are compared where their
    elements went.
    """
    call = next(iter(asked.replays.calls), None)
    if call is None or not has_positions(call.module):
        raise refuse("the model has nothing that is called positions")
    tokens = next((t for t in call.inputs.values() if _is_sequences(t)), None)
    if tokens is None:
        raise refuse("no model was given sequences")
    padded = padding_of(tokens)
    first, length = 0, tokens.shape[1]
    if padded is not None:
        whole = (~padded).all(0).nonzero().flatten()
        if len(whole) < SHORTEST:
            raise refuse("the sequences have too few real places in common")
        first, length = int(whole[0]), int(whole[-1]) + 1
    order = torch.arange(tokens.shape[1])
    moved = torch.randperm(length - first, generator=torch.Generator().manual_seed(0)) + first
    order[first:length] = moved
    order = order.to(tokens.device)
    new = tokens[:, order]
    if torch.equal(new, tokens):
        raise refuse("the elements of each sequence are alike")
    changes = []
    for scored in asked.scored:
        (before,) = asked.plain(scored.input)
        (after,) = asked.changed([(tokens, new)], scored.input)
        rows, words = tokens.shape[:2]
        if scored.counted.numel() == rows * words:
            one, other = (_at_places(made.float(), rows, words) for made in (before, after))
            one = one[:, order]
        elif len(scored.shape) and scored.shape[0] == rows:
            one, other = before.float(), after.float()
        else:
            continue
        one, other = one.reshape(-1, one.shape[-1]), other.reshape(-1, other.shape[-1])
        spread = (one - one.mean(0)).norm(dim=1).median()
        if spread > 0:
            changes.append(float((one - other).norm(dim=1).median() / spread))
    if not changes:
        raise refuse("no loss function of torch scored one answer for each sequence, or position")
    yield "order_change", "", max(changes)
    if max(changes) < NONE:
        name, held = next(_positions(call.module))
        operation = _user(asked, held)
        asked.watch.event_once(
            "positions_without_effect",
            name=asked.watch.names.parameter(held) or name,
            line=forward_line(call) if operation is None else asked.line(operation),
        )


def _positions(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields the weights and buffers that positions are held in, by name."""
    kinds = {name for name, part in module.named_modules() if _is_kind(part)}
    for name, held in (*module.named_parameters(), *module.named_buffers()):
        owners = {name.rpartition(".")[0], *name.split(".")[:-1]}
        if _POSITIONS.search(name.lower()) or owners & kinds:
            yield name, held


def _user(asked: Asked, held: torch.Tensor) -> Operation | None:
    """Returns the first operation that does more with a tensor than take a part of it."""
    tape = asked.replays.tape
    slots = {tape.slot(held)}
    for operation in tape.operations:
        if slots.isdisjoint(operation.needs()):
            continue
        if operation.name not in _PARTS:
            return operation
        slots.update(slot for _, slot, _, _ in operation.made)
    return None


def has_positions(module: torch.nn.Module) -> bool:
    """Whether something in a model is called positions, or is of a class that is."""
    return next(_positions(module), None) is not None


def _is_kind(part: torch.nn.Module) -> bool:
    return "position" in type(part).__name__.lower()


def _is_sequences(tokens: torch.Tensor) -> bool:
    whole = tokens.dim() == 2 and not tokens.is_floating_point() and tokens.dtype.itemsize > 1
    frames = tokens.dim() == 3 and tokens.is_floating_point()
    enough = (whole or frames) and len(tokens) >= ROWS_AT_LEAST
    return enough and tokens.shape[1] >= SHORTEST


def _at_places(made: torch.Tensor, rows: int, words: int) -> torch.Tensor:
    if made.dim() > 2 and made.shape[:2] != (rows, words):
        made = made.movedim(1, -1)
    return made.reshape(rows, words, -1)
