"""Unit spaces: what the axes of tensors are made of, joined where an operation ties them.

An axis is a product of *atoms*: the channels of a convolution are one atom, an axis of a linear
layer after a flatten is channels times pixels. Operations join atoms, split them, or pin them.
What is pinned keeps its order; every other atom may be permuted, wherever it stands, and the
network computes the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

Axis = tuple[int, ...]
"""Atoms, the slowest first."""


class Spaces:
    """All atoms of a network, and what has become of each."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._became: dict[int, Axis] = {}
        self._pinned: set[int] = set()

    def new(self, size: int, *, pinned: bool = False) -> Axis:
        """Returns an axis of an atom of its own; one of size 1 has none."""
        if size == 1:
            return ()
        self._sizes.append(size)
        atom = len(self._sizes) - 1
        if pinned:
            self._pinned.add(atom)
        return (atom,)

    def resolve(self, axis: Axis) -> Axis:
        """Returns the axis in the atoms that there are by now."""
        found: list[int] = []
        for atom in axis:
            found += self.resolve(self._became[atom]) if atom in self._became else (atom,)
        return tuple(found)

    def size(self, axis: Axis) -> int:
        """Returns its length."""
        return prod(self._sizes[atom] for atom in axis)

    def free(self, atom: int) -> bool:
        """Whether it may be permuted."""
        return atom not in self._pinned

    def pin(self, axes: Iterable[Axis]) -> None:
        """Has these keep their order for good."""
        for axis in axes:
            self._pinned.update(self.resolve(axis))

    def join(self, one: Axis, other: Axis) -> None:
        """Has two axes of one length be the same; what can't be is pinned."""
        left, right = list(self.resolve(one)), list(self.resolve(other))
        while left and right:
            a, b = left[0], right[0]
            if a == b:
                del left[0], right[0]
                continue
            if self._sizes[a] == self._sizes[b]:
                self._merge(a, b)
            elif self._sizes[a] > self._sizes[b]:
                if not self._split(a, self._sizes[b]):
                    break
            elif not self._split(b, self._sizes[a]):
                break
            left, right = list(self.resolve(tuple(left))), list(self.resolve(tuple(right)))
        if left or right:
            self.pin([one, other])

    def regroup(self, axes: Sequence[Axis], sizes: Sequence[int]) -> list[Axis] | None:
        """Returns the axes of a tensor that is seen in another shape; None if it can't be told."""
        atoms = list(self.resolve(tuple(atom for axis in axes for atom in axis)))
        found: list[Axis] = []
        for size in sizes:
            own: list[int] = []
            left = size
            while left > 1:
                if not atoms:
                    return None
                if self._sizes[atoms[0]] > left and not self._split(atoms[0], left):
                    return None
                atoms = list(self.resolve(tuple(atoms)))
                if left % self._sizes[atoms[0]]:
                    return None
                left //= self._sizes[atoms[0]]
                own.append(atoms.pop(0))
            found.append(tuple(own))
        return found if not atoms else None

    def _merge(self, a: int, b: int) -> None:
        self._became[b] = (a,)
        if b in self._pinned:
            self._pinned.add(a)

    def _split(self, atom: int, size: int) -> bool:
        """Makes two of an atom, the slower one of this size, if that divides it."""
        whole = self._sizes[atom]
        if whole % size:
            return False
        pinned = atom in self._pinned
        self._became[atom] = (
            *self.new(size, pinned=pinned), *self.new(whole // size, pinned=pinned)
        )  # fmt: skip
        return True
