"""The trick `unfreeze`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value
from .freeze import matching

if TYPE_CHECKING:
    from ..stage import Stage


class Unfreeze(Trick):
    """Trains parameters that the script has frozen.

    ## What it does
    Before the optimizer is built, parameters whose names fit the pattern get `requires_grad` on.
    With `add-parameters` they also join an optimizer that was given only the others.

    ## Formula
    None. Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning".

    ## When
    A head alone does not reach the wanted quality, or parameters were frozen by mistake.

    ## Cost
    Gradients and optimizer state for what is trained in addition.

    ## Conflicts and order
    After `freeze`: freeze all, unfreeze some.

    ## Common mistakes
    Unfreezing all of a pretrained body at the head's rate: use a smaller one for it
    (`layer-decay`).
    """

    name = "unfreeze"
    family = "model"
    pattern: str = value(default="*", help="pattern of names, such as layers.5 or *")

    def attach_to(self, stage: Stage) -> None:
        """Unfreezes in each model."""
        changed: list[Any] = []

        def begin(model: Any) -> None:
            frozen = [p for _, p in matching(model, self.pattern) if not p.requires_grad]
            if not frozen:
                stage.refuse(self.name, f"no frozen parameter fits {self.pattern!r}")
            for p in frozen:
                p.requires_grad_(True)
            changed.extend(frozen)
            stage.note("unfrozen", parameters=len(frozen))

        def put_back() -> None:
            for p in changed:
                p.requires_grad_(False)

        stage.patches.on_undo(put_back)
        stage.each_model(begin)
