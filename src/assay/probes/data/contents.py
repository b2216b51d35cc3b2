"""Probe: what inputs hold: what never changes in them, and how those of an evaluation differ."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...seams.callsite import user_frame
from ...watching.lineage import Lineage, lineage, unlike
from ...watching.probe import Probe
from .parts import Moments, Part

PLACES_AT_MOST = 8
PARTS_AT_MOST = 4096
"""Features or channels up to which each is followed."""
ELEMENTS_AT_MOST = 1 << 20
"""Numbers of one batch that are looked at: of a larger one, the first rows."""
ROWS_KEPT = 512
SHORTEST = 4
"""Positions of the shortest sequences whose padding is counted."""


class Held:
    """What one input held, over all batches of training, or of evaluations, that were seen."""

    def __init__(self) -> None:
        self.batches = self.rows = 0
        self.shape: tuple[int, ...] | None = None
        self.varies = False
        self.unchanged: Any = True
        self.first: Tensor | None = None
        self.parts: list[Part] = []
        self.moments = Moments()
        self.low: Any = None
        self.high: Any = None
        self.binary: Any = True
        self.row_range: tuple[Tensor, Tensor] | None = None
        self.row_numbers: list[Tensor] = []
        self.made: Lineage | None = None
        self.cut: tuple[int, int] | None = None
        self._cut_before: Any = None

    def cut_from(self, tensor: Tensor) -> None:
        """Notes the tensor that a batch is cut from, as long as each one is a new cut of it."""
        base, before = tensor._base, self._cut_before() if self._cut_before else None
        cut = None
        if base is not None and base.dim() and len(base) > len(tensor) and before is not tensor:
            cut = len(base), int(tensor.storage_offset())
        self.cut = cut if self.batches == 0 or cut == self.cut else None
        self._cut_before = weakref.ref(tensor)

    def add(self, tensor: Tensor, *, held_out: bool) -> None:
        """Adds a batch."""
        if not held_out and tensor.dim():
            self.cut_from(tensor)
        batch = _some(tensor.detach())
        self.batches, self.rows = self.batches + 1, self.rows + len(batch)
        if self.shape is None:
            self.shape = tuple(batch.shape[1:])
            self.first = batch[:1].clone()
            self.parts = [Part(dim, batch) for dim in part_dims(batch)]
        self.varies |= self.shape != tuple(batch.shape[1:])
        if self.varies:
            self.unchanged = False
        elif self.unchanged is not False:
            assert self.first is not None
            self.unchanged = _still(self.unchanged & (batch == self.first).all())
        numbers = batch.float() if batch.dtype.itemsize < 4 else batch
        low, high = torch.aminmax(numbers)
        self.low = low if self.low is None else torch.minimum(self.low, low)
        self.high = high if self.high is None else torch.maximum(self.high, high)
        if self.binary is not False:
            self.binary = _still(self.binary & ((numbers == 0) | (numbers == 1)).all())
        if not batch.is_floating_point():
            return
        if self.varies:
            return
        for part in self.parts:
            part.add(numbers)
        self.moments.add(numbers, self.parts[0].dim if self.parts else 0)
        self._rows(numbers, held_out=held_out)

    def _rows(self, numbers: Tensor, *, held_out: bool) -> None:
        """Notes mean and deviation of each row: their range in training, all of an evaluation."""
        if numbers.dim() < 2 or numbers[0].numel() < 2:
            return
        rows = numbers.flatten(1)
        mean = rows.mean(1)  # torch.std_mean takes several times as long on a CPU
        std = torch.linalg.vector_norm(rows - mean[:, None], dim=1) / rows.shape[1] ** 0.5
        both = torch.stack([mean, std])
        if held_out:
            if sum(kept.shape[1] for kept in self.row_numbers) < ROWS_KEPT:
                self.row_numbers.append(both[:, :ROWS_KEPT])
            return
        low, high = both.amin(1), both.amax(1)
        if self.row_range is not None:
            low = torch.minimum(low, self.row_range[0])
            high = torch.maximum(high, self.row_range[1])
        self.row_range = low, high

    def outside(self, training: Held) -> float | None:
        """Returns the share of rows with a mean or a deviation that no training row had."""
        if training.row_range is None or not self.row_numbers or self.shape != training.shape:
            return None
        rows = torch.cat(self.row_numbers, 1)
        low, high = (bound[:, None].to(rows.device) for bound in training.row_range)
        slack = 1e-6 * (high - low)
        return float(((rows < low - slack) | (rows > high + slack)).any(0).float().mean())


def _still(holds: Tensor) -> bool | Tensor:
    """Returns a truth as one, where that waits for no device: what no longer holds never will."""
    return bool(holds) if holds.is_cpu else holds


def part_dims(batch: Tensor) -> list[int]:
    """Returns the dimensions along which features or channels may lie, the likeliest first."""
    if not batch.is_floating_point() or batch.dim() not in (2, 3, 4, 5):
        return []
    dims = {2: [1], 3: [1, 2], 4: [1], 5: [1]}[batch.dim()]
    if batch.dim() == 4 and batch.shape[3] <= 4 < batch.shape[1]:
        dims = [3]
    return [dim for dim in dims if batch.shape[dim] <= PARTS_AT_MOST]


def _some(batch: Tensor) -> Tensor:
    """Returns the first rows of a large batch, all of another one."""
    row = max(batch[0].numel(), 1) if batch.dim() else 1
    return batch[: max(ELEMENTS_AT_MOST // row, 1)] if batch.dim() else batch.reshape(1)


def padded_share(batch: Tensor) -> Tensor | None:
    """Returns the share of a batch of sequences that is padding, of unequal length, at one end.

    None where it holds no sequences: rows of four tokens or more, or of as many vectors. Padding is
    the token that most rows end, or begin, with, as often as it comes in a row; or vectors of 0.
    """
    tokens = batch.dim() == 2 and not batch.is_floating_point()
    if (
        not (tokens or (batch.dim() == 3 and batch.is_floating_point()))
        or batch.shape[1] < SHORTEST
    ):
        return None
    found = batch.new_zeros((), dtype=torch.float32)
    for rows in (batch, batch.flip(1)):
        same = rows == rows[:, -1].mode().values if tokens else (rows == 0).all(2)
        idle = same.flip(1).cumprod(1)
        unequal = idle.sum(1).amin() != idle.sum(1).amax()
        found = torch.maximum(found, idle.float().mean() * unequal)
    return found


class Contents(Probe):
    """Follows each input through all sampled batches, and through those of evaluations.

    Signals `input_rows_equal_share`: the share of a batch's rows that equal its first row;
    `input_padded_share`: how much of a batch of sequences is padding. Event
    `input_contents`, after 1, 2, 4, 8, ... batches and at the end: what never changed, feature by
    feature (of tables) or channel by channel (of pictures). Event `eval_contents`: how the inputs
    of evaluations differ from those of training, row by row; `line` is where they were made in
    different ways, read from the script's source.
    """

    name = "contents"
    sampled: ClassVar = ()

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._held: dict[str, Held] = {}
        self._held_out: dict[str, Held] = {}
        self._told: dict[str, tuple[int, int]] = {}

    def add(self, place: str, tensor: Tensor) -> None:
        """Adds what a model was given in training."""
        held = self._of(self._held, place, tensor)
        if held is None:
            return
        if held.made is None and held.batches == 0:
            held.made = _lineage()
        if tensor.dim() and tensor.shape[0] > 1:
            same = (tensor == tensor[:1]).reshape(len(tensor), -1).all(1)
            share = same.float().mean()
            self.watch.put("input_rows_equal_share", place, share)
        if (padded := padded_share(tensor)) is not None:
            self.watch.put("input_padded_share", place, padded)
        held.add(tensor, held_out=False)
        if held.batches & (held.batches - 1) == 0:
            self._write(place, held)

    def add_held_out(self, place: str, tensor: Tensor) -> None:
        """Adds what a model was given in an evaluation."""
        held = self._of(self._held_out, place, tensor)
        if held is None or place not in self._held:
            return
        if held.made is None:
            held.made = _lineage()
        held.add(tensor, held_out=True)

    def finish(self) -> None:
        """Writes what has been added since the last time."""
        with torch.no_grad():
            for place, held in self._held.items():
                self._write(place, held)

    def _of(self, known: dict[str, Held], place: str, tensor: Tensor) -> Held | None:
        plain = tensor.layout is torch.strided and not tensor.is_complex() and tensor.numel()
        if not plain or (place not in known and len(known) >= PLACES_AT_MOST):
            return None
        if tensor.dtype is torch.bool:
            return None
        return known.setdefault(place, Held())

    def _write(self, place: str, held: Held) -> None:
        other = self._held_out.get(place)
        count = held.batches, other.batches if other else 0
        if self._told.get(place) == count or not held.batches:
            return
        self._told[place] = count
        self.watch.event(
            "input_contents",
            place=place,
            batches=held.batches,
            rows=held.rows,
            shape=list(held.shape or ()),
            varies=held.varies,
            unchanged=bool(held.unchanged),
            binary=bool(held.binary),
            cut_from=held.cut[0] if held.cut else 0,
            parts=[] if held.varies else [part.facts() for part in held.parts],
            line=_origin(held.made),
        )
        if other is not None and other.batches:
            self._compare(place, held, other)

    def _compare(self, place: str, held: Held, other: Held) -> None:
        line = unlike(held.made, other.made)
        self.watch.event(
            "eval_contents",
            place=place,
            rows=other.rows,
            training_rows=held.rows,
            outside_share=other.outside(held),
            **held.moments.facts(""),
            **other.moments.facts("eval_"),
            low=float(held.low), high=float(held.high),
            eval_low=float(other.low), eval_high=float(other.high),
            line=None if line is None else [*line, ""],
        )  # fmt: skip


def _lineage() -> Lineage | None:
    frame = user_frame(2)
    return None if frame is None else lineage(frame)


def _origin(made: Lineage | None) -> list[Any] | None:
    """Returns the last line that made the data before the loop; None if it is not known."""
    if made is None:
        return None
    own = [n for n in made.made if n not in made.loaders]
    near = [n for n in made.near if n != made.call and n not in made.loaders]
    lines = [n for n in own if n not in made.splits] or own or near or [made.call]
    return [made.file, lines[-1], ""]
