"""A call of a loss function of torch, as the tape knows it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from .tape import Tape

SCORED_AT_MOST = 32
"""Calls of loss functions in one step that are noted: a loop over time makes hundreds."""


class Scored(NamedTuple):
    """A call of a loss function, with the numbers by which the tape knows its tensors."""

    name: str
    input: int
    target: int
    ignored: int
    shape: torch.Size
    """Of the input."""
    counted: torch.Size
    """Of the target."""


def scored(tape: Tape, name: str, call: dict[str, Any]) -> Scored | None:
    """Returns a call with these arguments; None where the tape does not know its tensors."""
    source, target = call.get("input"), call.get("target")
    if not isinstance(source, torch.Tensor) or not isinstance(target, torch.Tensor):
        return None
    one, other = tape.slot(source), tape.slot(target)
    if one is None or other is None:
        return None
    ignored = int(call.get("ignore_index", -100))
    return Scored(name, one, other, ignored, source.shape, target.shape)
