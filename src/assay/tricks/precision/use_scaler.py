"""The trick `use-scaler`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Trick
from .scripts_scaler import ScriptsScaler

if TYPE_CHECKING:
    from ..stage import Stage


class UseScaler(Trick):
    """Sends steps and clipping through the GradScaler that scaled the loss.

    ## What it does
    Where the script multiplies its loss by `scaler.scale` and then calls `optimizer.step()`, the
    gradients are unscaled before that step, a step whose gradients overflowed is left out, and the
    scaler is updated before it scales the next loss: what `scaler.step(optimizer)` and
    `scaler.update()` do. Gradients that are still scaled are unscaled before they are clipped.

    ## Formula
    `g = backward(s * loss) / s`. Source: Micikevicius et al. 2018, "Mixed Precision Training",
    section 3.2; PyTorch documentation, "Automatic Mixed Precision examples".

    ## When
    The checks `scaler-bypassed` and `clipping-scaled-gradients` have found gradients that were used
    or clipped with the scale in them.

    ## Cost
    One division per gradient, and a read of whether they are finite.

    ## Conflicts and order
    Before all tricks on gradients, which see unscaled ones. Not beside `amp`, which brings a scaler
    of its own. Refused where a backward pass is of a loss that was not scaled, where several
    scalers scale losses, and for a step with a closure. What the script does right it leaves alone.

    ## Common mistakes
    A script that divides its gradients by `scaler.get_scale()` itself has no need of this, and
    would have them divided twice.
    """

    name = "use-scaler"
    family = "precision"
    conflicts = ("amp",)

    def attach_to(self, stage: Stage) -> None:
        """Follows the script's scaler, and acts on clipping and steps."""
        ScriptsScaler().follow(stage, self.name)
