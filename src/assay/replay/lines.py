"""Which of the user's lines computed an operation of a graph; on sampled iterations."""

from __future__ import annotations

from types import CodeType
from typing import Any

import torch

from ..seams.callsite import user_frame

_numbers: Any = getattr(torch.autograd, "_get_sequence_nr", None)


class Lines:
    """Notes the user's line of each operation, as it is recorded, by the number of its node.

    Autograd numbers its nodes as it makes them, and makes an operation's node right before it
    computes the operation: of what is computed until the next node, the first is its own.
    """

    def __init__(self) -> None:
        self._lines: dict[int, tuple[CodeType, int]] = {}

    def note(self) -> None:
        """Notes the line of the operation that is about to be computed."""
        if _numbers is None or not torch.is_grad_enabled():
            return
        number = _numbers() - 1
        if number not in self._lines and (frame := user_frame()) is not None:
            self._lines[number] = frame.f_code, frame.f_lasti

    def where(self, node: Any) -> tuple[CodeType, int] | None:
        """Returns the code and the instruction that made a node; None where it was not recorded."""
        return self._lines.get(node._sequence_nr())
