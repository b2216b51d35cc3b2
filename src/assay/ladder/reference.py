"""What a small network of ours tells from the same inputs: what a rung is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..probes.data.neighbours import COLUMNS_AT_MOST, DIRECTIONS, drawn
from . import answers
from .stored import Stored

ROWS_AT_LEAST, ROWS_AT_MOST = 256, 2048
WIDTH, STEPS, RATE = 64, 300, 1e-2


def flat(rows: Tensor) -> Tensor:
    """Returns rows of at most 64 numbers: their own, or on directions that are drawn once."""
    wide = rows.detach().reshape(len(rows), -1)
    step = max(wide.shape[1] // COLUMNS_AT_MOST, 1)
    chosen = wide[:, ::step][:, :COLUMNS_AT_MOST].float()
    if chosen.shape[1] <= DIRECTIONS:
        return chosen
    return chosen @ drawn(chosen.shape[1], DIRECTIONS).to(rows.device)


def single(targets: Tensor, name: str) -> bool:
    """Whether there is one target a row."""
    return targets.dim() == 1 if name in answers.CLASSES else targets.numel() == len(targets)


def told_by_others(batches: Sequence[Stored], asked: Stored) -> float | None:
    """Returns what a small network that has learnt from the other batches tells of one, 0 to 1.

    0 is what the best constant tells, 1 all. None where rows are too few or no rows of numbers,
    each with one target. Rows that the asked batch holds as well are left out.

    Args:
        batches: All that are stored.
        asked: One of them.
    """
    if asked.scored is None or asked.rows is None or asked.targets is None or not asked.level:
        return None
    name, shape = asked.scored.name, asked.rows.shape[1:]
    fit = [
        (flat(rows), other.targets.reshape(len(other.targets)))
        for other in batches
        if other is not asked and other.scored is not None and other.scored.name == name
        and (rows := other.rows) is not None and rows.shape[1:] == shape
        and other.targets is not None and single(other.targets, name)
    ]  # fmt: skip
    if not fit or not single(asked.targets, name):
        return None
    rows, targets = (torch.cat(part) for part in zip(*fit, strict=True))
    given, wanted = flat(asked.rows), asked.targets.reshape(len(asked.targets))
    fresh = ~torch.isin(rows.double().sum(1), given.double().sum(1))
    rows, targets = rows[fresh][:ROWS_AT_MOST], targets[fresh][:ROWS_AT_MOST]
    if len(rows) < ROWS_AT_LEAST or not bool(torch.isfinite(rows).all()):
        return None
    best, least = asked.level
    if best - least <= 1e-9:
        return None
    classes, shares = name in answers.CLASSES, name in answers.SHARES
    return _learnt(rows, targets, given, wanted, classes=classes, shares=shares)


def _learnt(
    rows: Tensor, targets: Tensor, given: Tensor, wanted: Tensor, *, classes: bool, shares: bool
) -> float | None:
    middle, spread = rows.mean(0), rows.std(0).clamp(min=1e-12)
    rows, given = (rows - middle) / spread, (given - middle) / spread
    own = torch.Generator("cpu").manual_seed(0)
    if classes:
        if bool((targets < 0).any()) or bool((wanted < 0).any()):
            return None
        outputs = int(max(targets.max(), wanted.max())) + 1
    else:
        outputs = 1
        targets, wanted = targets.float(), wanted.float()
        if not shares:
            centre, scale = targets.mean(), targets.std().clamp(min=1e-12)
            targets, wanted = (targets - centre) / scale, (wanted - centre) / scale

    def weight(inside: int, outside: int) -> Tensor:
        made: Tensor = drawn(inside, outside, own) / inside**0.5
        return made.to(rows.device).requires_grad_(True)

    first, second = weight(rows.shape[1], WIDTH), weight(WIDTH, outputs)
    offsets = [rows.new_zeros(n).requires_grad_(True) for n in (WIDTH, outputs)]
    optimizer = torch.optim.AdamW([first, second, *offsets], RATE, weight_decay=0.1)

    def loss(x: Tensor, y: Tensor) -> Tensor:
        made: Tensor = (x @ first + offsets[0]).relu() @ second + offsets[1]
        if classes:
            return F.cross_entropy(made, y)
        function: Callable[..., Tensor] = F.mse_loss
        if shares:
            function = F.binary_cross_entropy_with_logits
        return function(made[:, 0], y)

    asked_of = max(len(rows) // 4, 64)  # the best moment is chosen on rows of neither side
    best, best_told = float("inf"), 0.0
    with torch.enable_grad():
        for step in range(STEPS):
            optimizer.zero_grad()
            torch.autograd.backward(loss(rows[asked_of:], targets[asked_of:]))
            optimizer.step()
            if step % 20 == 19:
                with torch.no_grad():
                    held = float(loss(rows[:asked_of], targets[:asked_of]))
                    if held < best:
                        best, best_told = held, float(loss(given, wanted))
    chance = answers.constant_loss(
        "cross_entropy" if classes else "binary_cross_entropy" if shares else "mse_loss",
        wanted, -100,
    )  # fmt: skip
    if chance is None or chance[0] - chance[1] <= 1e-9:
        return None
    return (chance[0] - best_told) / (chance[0] - chance[1])
