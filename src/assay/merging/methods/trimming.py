"""The largest entries of tensors by magnitude, found in pieces and without sorting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

DIGIT = 16
"""Bits that are looked at in one pass."""


class Trim:
    """Keeps the same number of entries of each of several tensors, the largest by magnitude.

    The bits of a float that is not negative are in the order of its value. So each pass over all
    pieces counts how often each value of the next 16 bits occurs among those that are still in
    question, and after the last one the smallest magnitude that stays is known exactly. Of entries
    of that magnitude those stay that come first.

    Args:
        many: How many tensors.
        keep: How many entries of each stay.
        wide: Whether they are of 64 bits, not 32.
    """

    def __init__(self, many: int, keep: int, *, wide: bool) -> None:
        import torch

        self._shifts = (48, 32, 16, 0) if wide else (16, 0)
        self._level, self._keep = 0, keep
        self._least = [0] * many  # the bits that are known of the smallest magnitude that stays
        self._left = [keep] * many
        self._counts = [torch.zeros(2**DIGIT, dtype=torch.int64) for _ in range(many)]

    @property
    def passes(self) -> int:
        """How often all pieces have to be seen."""
        return len(self._shifts)

    def see(self, tensors: Sequence[Tensor]) -> None:
        """Counts a piece of each tensor."""
        import torch

        shift = self._shifts[self._level]
        for i, tensor in enumerate(tensors):
            bits = _bits(tensor).reshape(-1)
            if self._level:
                bits = bits[bits >> (shift + DIGIT) == self._least[i]]
            digits = (bits >> shift) & (2**DIGIT - 1)
            self._counts[i] += torch.bincount(digits, minlength=2**DIGIT)

    def turn(self) -> None:
        """Ends a pass."""
        for i, counts in enumerate(self._counts):
            from_top = counts.flip(0).cumsum(0)
            place = int((from_top < self._left[i]).sum())
            place = min(place, 2**DIGIT - 1)
            self._left[i] -= int(from_top[place - 1]) if place else 0
            self._least[i] = (self._least[i] << DIGIT) | (2**DIGIT - 1 - place)
            counts.zero_()
        self._level += 1

    def kept(self, which: int, tensor: Tensor) -> Tensor:
        """Returns a piece of a tensor with what does not stay at 0; pieces come in their order."""
        import torch

        if not self._keep:
            return torch.zeros_like(tensor)
        bits = _bits(tensor)
        stays = bits > self._least[which]
        same = bits == self._least[which]
        many, left = int(same.sum()), self._left[which]
        if many > left:
            same &= (same.reshape(-1).cumsum(0) <= left).reshape(same.shape)
        self._left[which] -= min(many, left)
        return torch.where(stays | same, tensor, torch.zeros_like(tensor))


def _bits(tensor: Tensor) -> Tensor:
    import torch

    return tensor.abs().view(torch.int64 if tensor.dtype is torch.float64 else torch.int32)
