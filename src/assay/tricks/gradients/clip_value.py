"""The trick `clip-value`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value
from .final import final_gradients

if TYPE_CHECKING:
    from ..stage import Stage


class ClipValue(Trick):
    """Cuts every element of every gradient to a range around zero.

    ## What it does
    Right before each optimizer step, elements above the limit are set to it, elements below minus
    the limit to minus the limit. Unlike `clip-norm` this changes the direction of the step.

    ## Formula
    `g <- min(max(g, -limit), limit)`, element by element; torch's `clip_grad_value_`. Source:
    Mikolov 2012, "Statistical Language Models Based on Neural Networks", section 3.2.2.

    ## When
    A few single elements explode while the rest is calm. In all other cases `clip-norm` is better.

    ## Cost
    One pass over all gradients.

    ## Conflicts and order
    After `clip-norm` and before the step, once per optimizer step, on unscaled gradients.

    ## Common mistakes
    Cutting does not remove NaN: a NaN passes through. Use `skip-non-finite` for that.
    """

    name = "clip-value"
    family = "gradients"
    limit: float = value(low=0, open_low=True, help="largest element")

    def attach_to(self, stage: Stage) -> None:
        """Cuts when an optimizer's gradients are final."""
        import torch

        def clip(optimizer: Any) -> None:
            if stage.meant(optimizer):
                held, scale = final_gradients(optimizer)
                limit = float(self.limit) * scale
                with torch.no_grad():
                    for _, gradient in held:
                        gradient.clamp_(-limit, limit)

        stage.on("gradients_ready", clip)
