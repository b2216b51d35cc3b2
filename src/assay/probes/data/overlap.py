"""Probe: which rows of an evaluation the model was trained on before."""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...seams.callsite import user_frame
from ...watching.lineage import lineage
from ...watching.probe import Probe

PLACES_AT_MOST, LINES_AT_MOST = 4, 16
ROWS_AT_MOST, ROWS_AT_LEAST = 32_768, 16
COLUMNS_AT_MOST = 2048
NUMBERS_AT_LEAST = 4
DIFFERENT, DIFFERENT_WHOLE = 0.8, 0.98
"""Share of a batch's rows that must differ, and where all numbers are whole: two samples of few
whole numbers may well be equal."""
KNOWN_AT_LEAST = 0.5
"""Of the rows that training draws, those that an earlier sample held, before any is asked for."""
BATCHES_AT_MOST = 64
NEAR_ROWS_AT_MOST = 64
"""Rows of a batch that are looked for as near ones: each is compared with all that are known."""
DIRECTIONS = 16
NEAR = 0.02
"""Of the distance from a training row to the next one: an evaluated row that lies nearer to it is
that row, but for a rounding or a little noise. Rows on a line lie so near in one case of 25."""
SOME, MOST = 0.1, 0.85
"""Of the share that training itself meets again: a batch with fewer known rows is new, with more it
is known."""
HELD_OUT = re.compile(
    r"(^|[._])(val|valid|validation|test|dev|held|heldout|hold|holdout|eval)"
    r"([._\d]|set$|loader|data|$)|([xy]_?)(te|va|val|test|ev)$",
    re.IGNORECASE,
)
TRAINED_ON = re.compile(
    r"(^|[._])(train|tr|trn|fit)([._\d]|ing|set$|loader|data|$)|([xy]_?)tr$", re.IGNORECASE
)
"""What names say of the data that they hold."""


class Asked:
    """What one line evaluated: batches, and how many of their rows had been trained on."""

    def __init__(self, named: str | None, line: list[Any] | None) -> None:
        self.named, self.line = named, line
        self.batches = self.mixed = self.whole = self.rows = self.seen = self.near = 0
        self.shares: list[float] = []


class Overlap(Probe):
    """Compares rows of evaluations with those of all sampled batches of the training before.

    Event `overlap_found`, after 1, 2, 4, ... batches of one line and at the end. A row is known by
    one number, a weighted sum; rows of fewer than 4 numbers, and batches with equal rows, don't
    count, nor does anything before the samples hold half of what training draws. Where few rows are
    equal, they are looked for in 16 fixed directions: `near` ones lie far nearer to a training row
    than that lies to others.
    """

    name = "overlap"

    sampled: ClassVar = ()

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._training: Any = None
        self._known: dict[str, set[float]] = {}
        self._points: dict[str, list[Tensor]] = {}
        self._again: dict[str, deque[float]] = {}
        self._asked: dict[tuple[Any, ...], Asked] = {}
        self._left_out: set[str] = set()

    def add(self, place: str, tensor: Tensor) -> None:
        """Adds a batch of training."""
        trainings = self.watch.trainings
        index = trainings[-1].index if trainings else None
        if index != self._training:
            if self._training is not None:
                self._points.clear()
                self._known.clear()  # another model may be trained on what was held out
                self._again.clear()
            self._training = index
        if place in self._left_out or (place not in self._known and len(self._known) >= 4):
            return
        prints = row_prints(tensor)
        if prints is None:
            self._left_out.add(place)
            return
        known = self._known.setdefault(place, set())
        again = self._again.setdefault(place, deque(maxlen=8))
        if known:
            again.append(_share(prints, known))
        if len(known) < ROWS_AT_MOST:
            new = torch.tensor([number not in known for number in prints], device="cpu")
            self._points.setdefault(place, []).append(row_points(tensor)[new])
            known.update(prints)

    def ask(self, place: str, tensor: Tensor) -> None:
        """Looks for the rows of a batch of an evaluation among those of training."""
        known, again = self._known.get(place), self._again.get(place)
        if not known or not again or len(tensor) < ROWS_AT_LEAST:
            return
        coverage = sum(again) / len(again)
        prints = row_prints(tensor)
        if prints is None or coverage < KNOWN_AT_LEAST:
            return
        asked = self._of(place)
        if asked is None or asked.batches >= BATCHES_AT_MOST:
            return
        share = _share(prints, known)
        if share <= SOME * coverage:
            points = row_points(tensor[:NEAR_ROWS_AT_MOST])
            near = are_near(points, torch.cat(self._points[place]))
            found = sum(
                here and number not in known
                for here, number in zip(near.tolist(), prints, strict=False)
            )
            asked.near += found * len(prints) // len(near)
            share += found / len(near)
        asked.batches += 1
        asked.shares.append(share)
        asked.rows += len(prints)
        asked.seen += round(share * len(prints))
        asked.mixed += SOME * coverage < share < MOST * coverage
        asked.whole += share >= MOST * coverage
        if asked.batches & (asked.batches - 1) == 0:
            self._write(place, asked)

    def finish(self) -> None:
        """Writes the last of each line."""
        for (place, *_), asked in self._asked.items():
            self._write(place, asked)

    def _of(self, place: str) -> Asked | None:
        frame = user_frame(2)
        if frame is None:
            return None
        outer = frame.f_back
        key = (place, frame.f_code, frame.f_lineno, outer and outer.f_lineno)
        if key not in self._asked:
            if len(self._asked) >= LINES_AT_MOST:
                return None
            made = lineage(frame)
            named = _named(made.names if made else [])
            lines = made and ([n for n in made.made if n not in made.loaders] or made.near)
            line = [made.file, lines[-1], ""] if made and lines else None
            self._asked[key] = Asked(named, line)
        return self._asked[key]

    def _write(self, place: str, asked: Asked) -> None:
        half = len(asked.shares) // 2
        early, late = (sum(part) / max(len(part), 1)
                       for part in (asked.shares[:half], asked.shares[half:]))  # fmt: skip
        self.watch.event_once(
            "overlap_found", place, id(asked), asked.batches,
            place=place, named=asked.named, batches=asked.batches, mixed=asked.mixed,
            whole=asked.whole, early=early, late=late, rows=asked.rows, seen=asked.seen,
            near=asked.near, line=asked.line, asked=id(asked) % (1 << 31),
        )  # fmt: skip


def _named(names: list[str]) -> str | None:
    """Returns the nearest name that tells of what data are for, if it says held out."""
    for name in names:
        if TRAINED_ON.search(name):
            return None
        if HELD_OUT.search(name):
            return name
    return None


def row_prints(batch: Tensor) -> list[float] | None:
    """Returns one number for each row, equal for equal rows; None where equal rows say nothing."""
    plain = batch.layout is torch.strided and not batch.is_complex() and batch.dim() > 1
    if not plain or batch.dtype is torch.bool or batch[0].numel() < NUMBERS_AT_LEAST:
        return None
    flat = batch.detach().reshape(len(batch), -1)
    chosen = flat[:, :: max(flat.shape[1] // COLUMNS_AT_MOST, 1)]
    weights = _print_weights(chosen.shape[1], batch.device)
    prints: list[float] = (chosen.to(weights.dtype) @ weights).tolist()
    whole = not chosen.is_floating_point() or bool((chosen == chosen.round()).all())
    least = DIFFERENT_WHOLE if whole else DIFFERENT
    return prints if len(set(prints)) >= least * len(prints) else None


def row_points(batch: Tensor) -> Tensor:
    """Returns each row in 16 fixed directions, [rows, 16] on the CPU: distances are about kept."""
    flat = batch.detach().reshape(len(batch), -1)
    chosen = flat[:, :: max(flat.shape[1] // COLUMNS_AT_MOST, 1)]
    directions = _directions(chosen.shape[1], batch.device)
    return (chosen.to(directions.dtype) @ directions).float().cpu()


@lru_cache(maxsize=PLACES_AT_MOST)
def _print_weights(columns: int, device: torch.device) -> Tensor:
    places = torch.arange(columns, device=device, dtype=_wide(device))
    return torch.cos(1.7 * places + 0.3)


@lru_cache(maxsize=PLACES_AT_MOST)
def _directions(columns: int, device: torch.device) -> Tensor:
    """Returns directions that are as good as random, [columns, 16]: no generator is asked."""
    places = torch.arange(1, columns + 1, device=device, dtype=_wide(device))
    turns = torch.arange(1, DIRECTIONS + 1, device=device, dtype=_wide(device))
    return torch.cos(places[:, None] ** 2 * turns.sqrt() + turns)


def _wide(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def are_near(points: Tensor, known: Tensor) -> Tensor:
    """Returns which points lie far nearer to a known one than that lies to the next known one."""
    distance, nearest = _apart(points, known).min(1)
    around = _apart(known[nearest], known)
    around = around.masked_fill(around == 0, torch.inf).amin(1)  # itself, met again
    return (distance > 0) & (distance <= NEAR * around) & around.isfinite()


def _apart(one: Tensor, other: Tensor) -> Tensor:
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")


def _share(prints: list[float], known: set[float]) -> float:
    """Returns the share of the rows that are among known ones."""
    return sum(number in known for number in prints) / len(prints)
