"""What is known of one call of an operation, and of the birth of a value that is not finite."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from .facts import described, kinds


@dataclass(slots=True)
class Place:
    """Where an operation was called: the user's line, the module, the node of a backward pass."""

    line: tuple[str, int, str] | None = None
    module: Any = None
    phase: str = "forward"
    node: str | None = None
    forward: dict[str, Any] | None = None
    """Of a node: the operation that made it, as `Births.noted` describes it."""


@dataclass(slots=True)
class Birth:
    """The operation that made the first value that is not finite; `op` "" where it was given."""

    op: str
    place: Place
    tensor: torch.Tensor | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    meant: bool = False
    then: tuple[str, Place] | None = None
    number: int = 0
    """The order of births."""


@dataclass(slots=True)
class Called:
    """One call before it is computed: operands as they are then."""

    op: str
    place: Place
    operands: list[tuple[str, torch.Tensor]]
    numbers: list[tuple[int, str, float]]
    """Each with how many tensors stand before it."""
    written: list[torch.Tensor]
    args: Any
    before: dict[int, tuple[set[str], dict[str, Any]]] = field(default_factory=dict)
    """Kinds and description of large operands that are written into, by their place."""

    def kinds(self, place: int) -> set[str]:
        """Returns which values that are not finite an operand held."""
        known = self.before.get(place)
        return kinds(self.operands[place][1]) if known is None else known[0]

    def described(self, place: int) -> dict[str, Any]:
        """Returns the description of an operand as it was."""
        known = self.before.get(place)
        return described(*self.operands[place]) if known is None else dict(known[1])
