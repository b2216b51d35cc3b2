"""Question: does the answer differ from one sample of a batch to the next?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...replay.operations import Operation
from ...replay.scored import Scored
from .asked import Asked, refuse

ROWS_AT_LEAST = 4
ALIKE = 1e-3
"""Spread from where on the place is looked for at which samples become alike."""
STEPS_BACK = 200
"""Operations that are followed from the answers back to the input."""

LOGITS = ("cross_entropy", "binary_cross_entropy_with_logits", "nll_loss", "binary_cross_entropy",
          "multilabel_soft_margin_loss")  # fmt: skip
NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def answer_spread(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields how far the answers of a batch lie from their mean, by the loss that scores them.

    Of classes it is the spread of log probabilities or logits, in nats, of the class where it is
    largest. Of numbers it is their spread over that of the targets; where a model makes the targets
    too, over the size of the answers.
    """
    if not any(_varies(tensor) for tensor in asked.given.values()):
        raise refuse("all samples of the batch are alike")
    spreads = []
    for scored in asked.scored:
        answer, target = asked.plain(scored.input, scored.target)
        spread = _spread(asked, scored, answer.float(), target)
        if spread is not None:
            spreads.append(spread)
    if not spreads:
        raise refuse("no loss function of torch scored answers whose spread can be told")
    yield "answer_spread", "", max(spreads)
    if max(spreads) < ALIKE and (operation := _lost_at(asked)) is not None:
        asked.watch.event_once(
            "answers_alike", operation=operation.name, line=asked.line(operation)
        )


class _Alike:
    """Notes of each result that has a row for each sample whether its rows are all alike."""

    def __init__(self, rows: int) -> None:
        self.alike: dict[int, bool] = {}
        self._rows = rows

    def __call__(self, operation: Operation, values: dict[int, torch.Tensor]) -> None:
        """Takes the result of one operation."""
        for _, slot, shape, _ in operation.made[:1]:
            if slot in values and len(shape) > 1 and shape[0] == self._rows:
                rows = values[slot].detach().float().flatten(1)
                off = (rows - rows[0]).abs().max()
                self.alike[slot] = bool(off <= ALIKE * rows.abs().max())


def _lost_at(asked: Asked) -> Operation | None:
    """Returns the last operation before the answers whose samples differ as it gets them."""
    for scored in asked.scored:
        if len(scored.shape) == 0 or scored.name not in (*LOGITS, *NUMBERS):
            continue
        seen = _Alike(scored.shape[0])
        asked.changed([], scored.input, each=seen)
        makers = {
            slot: made for made in asked.replays.tape.operations for _, slot, _, _ in made.made
        }
        slot = scored.input
        for _ in range(STEPS_BACK):
            operation = makers.get(slot)
            if operation is None:
                break
            needed = [number for number in operation.needs() if number in seen.alike]
            if any(not seen.alike[number] for number in needed):
                return operation
            if not needed:
                needed = operation.needs()[:1]  # one that flattens
            if not needed:
                break
            slot = needed[0]
    return None


def _varies(tensor: torch.Tensor) -> bool:
    return tensor.dim() > 0 and len(tensor) > 1 and bool((tensor != tensor[:1]).any())


def _spread(
    asked: Asked, scored: Scored, answer: torch.Tensor, target: torch.Tensor
) -> float | None:
    if answer.isnan().any():
        return None
    if scored.name in LOGITS:
        rows = _logits(scored, answer)
        if rows is None or len(rows) < ROWS_AT_LEAST:
            return None
        return float(rows.std(0).nan_to_num(0.0).max())  # a class that is masked out
    if scored.name not in NUMBERS or answer.dim() == 0 or len(answer) < ROWS_AT_LEAST:
        return None
    if target.shape != answer.shape:
        return None
    rows, wanted = answer.flatten(1) if answer.dim() > 1 else answer[:, None], target.float()
    wanted = wanted.reshape(rows.shape)
    if scored.target in asked.replays.tape.given:
        scale = wanted.std(0).max()
    else:
        scale = rows.pow(2).mean().sqrt()
    return float(rows.std(0).max() / scale) if scale > 0 else None


def _logits(scored: Scored, answer: torch.Tensor) -> torch.Tensor | None:
    """Returns [samples, classes], each a log probability or a logit."""
    if scored.name in ("cross_entropy", "nll_loss"):
        if answer.dim() < 2 or answer.shape[1] < 2:
            return None
        rows = answer.movedim(1, -1).reshape(-1, answer.shape[1])
        return rows.log_softmax(1) if scored.name == "cross_entropy" else rows
    if scored.name == "binary_cross_entropy":
        answer = answer.clamp(1e-12, 1 - 1e-7).logit()
    return answer.flatten(1) if answer.dim() > 1 else answer[:, None]
