"""Probe: how the token ids of evaluations differ from those of training."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from ...seams.callsite import user_frame
from ...watching.lineage import Lineage, lineage, unlike
from ...watching.probe import Probe

PLACES_AT_MOST = 4
IDS_AT_MOST = 65_536
"""Ids that are counted one by one; larger vocabularies are left alone."""
SHORTEST = 4
"""Positions of the shortest sequences that count."""
SHIFTS = (-8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8)
"""How far ids may have moved: a vocabulary has four special tokens, or a few more."""
COMMON = 0.005
"""Share of all tokens from where on an id is common."""


class Counts:
    """How often each id occurred, by batches of even and odd number, and which ids filled rows up.

    A run of one id at an end of a row, shorter than the row, is padding and does not count.

    Attributes:
        rows: How many were added.
        batches: The same.
        scored: Batches that a loss function of torch scored, of evaluations.
        ends: How many rows each id filled up.
        made: What made the first batch.
    """

    def __init__(self, device: torch.device) -> None:
        self.rows = self.batches = self.scored = 0
        self.halves = [_zeros(device), _zeros(device)]
        self.ends = _zeros(device)
        self.made: Lineage | None = None

    def add(self, batch: Tensor) -> None:
        """Adds the ids of a batch, [rows, positions]."""
        ids = batch.detach().long()
        ids = torch.where((ids < 0) | (ids >= IDS_AT_MOST), IDS_AT_MOST, ids)
        real = torch.ones_like(ids, dtype=torch.bool)
        for turned in (False, True):
            rows = ids.flip(1) if turned else ids
            end = rows[:, -1]
            run = (rows == end[:, None]).flip(1).cumprod(1).flip(1).bool()
            length = run.sum(1)
            padded = (length > 1) & (length < ids.shape[1])
            idle = run & padded[:, None]
            real &= ~(idle.flip(1) if turned else idle)
            self.ends.scatter_add_(0, end, padded.to(self.ends.dtype))
        half = self.halves[self.batches % 2]
        half.scatter_add_(0, ids.flatten(), real.flatten().to(half.dtype))
        self.batches, self.rows = self.batches + 1, self.rows + len(ids)

    def shares(self) -> Tensor:
        """Returns the share of each id, in float64 on the CPU."""
        return _shares(self.halves[0] + self.halves[1])

    def padding(self) -> tuple[int, float]:
        """Returns the id that filled most rows up, and in what share of the rows."""
        ends = self.ends.cpu()
        most = int(ends.argmax())
        return most, float(ends[most]) / max(self.rows, 1)


class Tokens(Probe):
    """Counts the ids of integer inputs, [rows, positions], on sampled steps and in evaluations.

    Event `eval_tokens`, once at the end for each place. Distances are total variation: the share of
    tokens that would have to be other ones.
    """

    name = "tokens"
    always: ClassVar = ("evaluation_loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._trained: dict[str, Counts] = {}
        self._evaluated: dict[str, Counts] = {}
        self._asked: list[Counts] = []

    def add(self, place: str, tensor: Tensor) -> None:
        """Adds a batch of training."""
        self._add(self._trained, place, tensor)

    def add_held_out(self, place: str, tensor: Tensor) -> None:
        """Adds a batch of an evaluation."""
        if place in self._trained and (counts := self._add(self._evaluated, place, tensor)):
            self._asked = [*self._asked, counts] if counts not in self._asked else [counts]

    def on_evaluation_loss(self, *facts: Any) -> None:
        """Notes that what the last pass was given was scored, and no text that is being written."""
        for counts in self._asked:
            counts.scored += 1
        self._asked = []

    def finish(self) -> None:
        """Writes what was counted."""
        for place, other in self._evaluated.items():
            one = self._trained[place]
            line = unlike(one.made, other.made)
            self.watch.event(
                "eval_tokens", place=place, rows=other.rows, training_rows=one.rows,
                **compared(one, other), line=None if line is None else [*line, ""],
            )  # fmt: skip

    def _add(self, known: dict[str, Counts], place: str, tensor: Tensor) -> Counts | None:
        if not _are_tokens(tensor) or (place not in known and len(known) >= PLACES_AT_MOST):
            return None
        counts = known.get(place)
        if counts is None:
            counts = known[place] = Counts(tensor.device)
            frame = user_frame(2)
            counts.made = None if frame is None else lineage(frame)
        if counts.ends.device != tensor.device:
            return None
        counts.add(tensor)
        return counts


def compared(one: Counts, other: Counts) -> dict[str, Any]:
    """Returns how the ids of an evaluation (`other`) differ from those of training."""
    known, asked = one.shares(), other.shares()
    moved = {shift: _apart(_moved(known, shift), asked) for shift in SHIFTS}
    shift = min(moved, key=moved.__getitem__)
    more = int((asked - known).argmax())
    (pad, padded), (eval_pad, eval_padded) = one.padding(), other.padding()
    return {
        "tokens": int(other.halves[0].sum() + other.halves[1].sum()),
        "scored": other.scored / max(other.batches, 1),
        "beyond": bool(known[IDS_AT_MOST] > 0 or asked[IDS_AT_MOST] > 0),
        "common": int((known >= COMMON).sum()),
        "met": float(asked[known > 0].sum()),
        "apart": _apart(known, asked),
        "halves_apart": _apart(*(_shares(half) for half in one.halves)),
        "neighbours_apart": _apart(_moved(known, 1), known),
        "ranks_apart": _apart(known.sort().values, asked.sort().values),
        "shift": shift,
        "shifted_apart": moved[shift],
        "more": more,
        "more_share": float(known[more]),
        "more_eval_share": float(asked[more]),
        "pad": pad if padded else None,
        "padded": padded,
        "eval_pad": eval_pad if eval_padded else None,
        "eval_padded": eval_padded,
        "pad_in_eval": float(other.ends[pad]) / max(other.rows, 1),
        "eval_pad_in_training": float(one.ends[eval_pad]) / max(one.rows, 1),
    }


def _are_tokens(tensor: Tensor) -> bool:
    return (
        tensor.dtype in (torch.int64, torch.int32, torch.int16)
        and tensor.layout is torch.strided
        and tensor.dim() == 2
        and tensor.shape[1] >= SHORTEST
        and len(tensor) > 0
    )


def _zeros(device: torch.device) -> Tensor:
    return torch.zeros(IDS_AT_MOST + 1, dtype=torch.int32, device=device)


def _shares(counts: Tensor) -> Tensor:
    counts = counts.cpu().double()
    return counts / counts.sum().clamp(min=1)


def _moved(shares: Tensor, by: int) -> Tensor:
    """Returns the shares as they are of ids that are larger by a number."""
    moved = torch.zeros_like(shares)
    if by > 0:
        moved[by:] = shares[:-by]
    else:
        moved[:by] = shares[-by:]
    return moved


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().sum()) / 2
