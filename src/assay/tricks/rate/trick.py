"""What the tricks on the rate share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick
from .effective import Rate, Rates

if TYPE_CHECKING:
    from ..stage import Stage


class RateTrick(Trick):
    """A trick whose only memory is the desk's: steps done and first rates."""

    def __post_init__(self) -> None:
        """Has no desk yet."""
        self._desk: Rates | None = None

    def attach_to(self, stage: Stage) -> None:
        """Has `change` called at each step."""
        self._desk = Rates.change(stage, self.change)

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Changes the rates of an optimizer's groups for one step."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Returns how far each optimizer has come, and what it began with."""
        return self._desk.state_dict() if self._desk else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on at that step."""
        if self._desk and state:
            self._desk.load_state_dict(state)
