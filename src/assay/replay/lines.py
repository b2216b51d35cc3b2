"""Which of the user's lines computed an operation of a graph; on sampled iterations."""

from __future__ import annotations

import math
from types import CodeType
from typing import Any

import torch

from ..seams.callsite import user_frame
from .operations import Operation

_aten: Any = torch.ops.aten
_ARITHMETIC = frozenset((_aten.sub.Tensor, _aten.mul.Tensor, _aten.div.Tensor, _aten.add.Tensor))
_WHOLE = (torch.uint8, torch.int8, torch.int16)
_WIDENING = frozenset((_aten.unsqueeze.default, _aten.view.default))
_numbers: Any = getattr(torch.autograd, "_get_sequence_nr", None)


class Lines:
    """Notes the user's line of each operation, as it is recorded, by the number of its node.

    Autograd numbers its nodes as it makes them, and makes an operation's node right before it
    computes the operation: of what is computed until the next node, the first is its own.
    """

    def __init__(self) -> None:
        self._lines: dict[int, tuple[CodeType, int]] = {}
        self._shapes: dict[int, tuple[torch.Size, torch.Size]] = {}
        self._widened: set[tuple[int, torch.Size]] = set()

    def note(self, function: Any, args: Any) -> int | None:
        """Notes the line of the operation that is about to be computed; returns its node."""
        if function in _WIDENING:
            self._note_widened(args)
        if _numbers is None or not torch.is_grad_enabled():
            return None
        if _is_of_data(function, args) and (frame := user_frame()) is not None:
            number = -2 - len(self._lines)  # no node is made for it
            self._lines[number] = frame.f_code, frame.f_lasti
            return number
        number = int(_numbers()) - 1
        if number not in self._lines and (frame := user_frame()) is not None:
            self._lines[number] = frame.f_code, frame.f_lasti
            if function in _ARITHMETIC:
                self._note_shapes(number, args)
        return number

    def _note_shapes(self, number: int, args: Any) -> None:
        """Notes two shapes of unlike length, unless one side was widened on purpose."""
        one, other = args[:2]
        if (
            isinstance(one, torch.Tensor)
            and isinstance(other, torch.Tensor)
            and one.dim() != other.dim()
            and not any((t.data_ptr(), t.shape) in self._widened for t in (one, other))
        ):
            self._shapes[number] = one.shape, other.shape

    def _note_widened(self, args: Any) -> None:
        """Notes that a tensor is about to be given one dimension more, of size 1."""
        tensor, where = args[:2]
        if isinstance(where, int):
            at = where % (tensor.dim() + 1)
            shape = [*tensor.shape[:at], 1, *tensor.shape[at:]]
        elif len(where) > tensor.dim():
            count = tensor.numel() // max(-math.prod(where), 1) if -1 in where else 0
            shape = [count if size == -1 else int(size) for size in where]
        else:
            return
        self._widened.add((tensor.data_ptr(), torch.Size(shape)))

    def shapes(self, node: Any) -> tuple[torch.Size, torch.Size] | None:
        """Returns the shapes of the two sides of an operation, if they differ in length."""
        return self._shapes.get(node._sequence_nr())

    def where(self, node: Any) -> tuple[CodeType, int] | None:
        """Returns the code and the instruction that made a node; None where it was not recorded."""
        return self._lines.get(node._sequence_nr())

    def of(self, operation: Operation) -> tuple[CodeType, int] | None:
        """Returns the same of a recorded operation."""
        return None if operation.node is None else self._lines.get(operation.node)


def _is_of_data(function: Any, args: Any) -> bool:
    """Whether an operation casts data, or computes with small whole numbers."""
    given = args[0] if args else None
    if not isinstance(given, torch.Tensor) or given.requires_grad:
        return False
    return function is _aten._to_copy.default or given.dtype in _WHOLE
