"""The trick `clip-norm`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..base import Suggestion, Trick, alike, value
from .final import final_gradients

if TYPE_CHECKING:
    from ...journal.view import Training
    from ..stage import Stage


FAR = 100.0
"""A gradient so many times as long as the weights is none of a run that goes well (the limit
`start` of the check `exploding-gradient`), and says nothing of where to clip."""


class ClipNorm(Trick):
    """Scales all gradients of an optimizer together so that their norm is at most a limit.

    ## What it does
    Right before each optimizer step, if the norm of all gradients together is above the limit,
    every gradient is multiplied by `limit / (norm + 1e-6)`. The direction stays as it was.

    ## Formula
    `g <- g * min(1, limit / (||g|| + 1e-6))`, torch's `clip_grad_norm_`. Source: Pascanu, Mikolov,
    Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1.

    ## When
    A loss that jumps at single steps with a gradient norm far above its usual one; recurrent
    networks; the first steps of a transformer. If more than half of the steps are clipped the rate
    is simply too high: lower it instead.

    ## Cost
    One norm and one multiplication over all gradients.

    ## Conflicts and order
    After `skip-non-finite` (one infinite gradient would turn all others into 0 or NaN) and before
    the step: once per optimizer step, after accumulation and after a GradScaler has unscaled.

    ## Common mistakes
    "Clipping cures NaN": it spreads it to every parameter.
    """

    name = "clip-norm"
    family = "gradients"
    explore = ("",)
    limit: float = value(low=0, open_low=True, help="largest norm allowed")

    @classmethod
    def suggest(cls, training: Training, proposed: str = "") -> Iterator[Suggestion]:
        """Suggests the limit that the check proposes, and the norms' 90th percentile."""
        yield from super().suggest(training, proposed)
        losses = training.series("loss")
        high = 2 * losses.finite().first  # above it the run has come apart, and so have its norms
        parts = [training.series("weight_norm", p) for p in training.places("weight_norm")]
        weights = math.hypot(*(part.finite().first for part in parts if len(part.finite())))
        norms = sorted(
            norm
            for step, norm in training.series("grad_norm").finite()
            if not losses.at(step) > high > 0 and not norm > FAR * weights > 0
        )
        if len(norms) < 5 or not (usual := norms[math.ceil(0.9 * len(norms)) - 1]) > 0:
            return
        if not proposed or not alike(usual, float(proposed)):
            why = f"90 % of the norms measured while it went well were below {usual:.3g}"
            yield Suggestion(f"{usual:.2g}", why)

    def attach_to(self, stage: Stage) -> None:
        """Clips when an optimizer's gradients are final."""
        import torch

        def clip(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            held, scale = final_gradients(optimizer)
            limit = float(self.limit) * scale
            norm = torch.nn.utils.get_total_norm([gradient for _, gradient in held])
            torch.nn.utils.clip_grads_with_norm_([p for p, _ in held], limit, norm)

        stage.on("gradients_ready", clip)
