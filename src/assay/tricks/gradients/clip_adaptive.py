"""The trick `clip-adaptive`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from .final import final_gradients

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage

WEIGHT_NORM_FLOOR = 1e-3
"""Brock et al. 2021, section 4.1: without it a weight that starts at zero would stay there."""


def unit_norm(x: Tensor) -> Tensor:
    """Returns each output unit's norm (dimension 0), broadcastable; a vector's as a whole."""
    import torch

    units = x.dim() > 1
    inner = tuple(range(1, x.dim())) if units else None
    norm: Tensor = torch.linalg.vector_norm(x, dim=inner, keepdim=units)
    return norm


class ClipAdaptive(Trick):
    """Clips each unit's gradient in proportion to that unit's weight (AGC).

    ## What it does
    For each output unit of each parameter, if the gradient's norm is above `limit` times the norm
    of the unit's weights, the gradient is scaled down to that. The last layer is left alone.

    ## Formula
    `g_i <- g_i * limit * max(||w_i||, 1e-3) / ||g_i||` where `||g_i|| > limit * max(||w_i||,
    1e-3)`, i an output unit. Source: Brock, De, Smith, Simonyan 2021, "High-Performance
    Large-Scale Image Recognition Without Normalization", equation 3 and section 4.1.

    ## When
    Networks without normalisation layers, large batches. Limit 0.01 for large batches to 0.02 or
    more for small ones.

    ## Cost
    Two norms and one multiplication per parameter.

    ## Conflicts and order
    Before `clip-norm`, on unscaled gradients. `last=yes` clips the last layer too.

    ## Common mistakes
    Clipping by the whole tensor's norm is not AGC. Leaving out the floor of 1e-3 freezes weights
    that start at zero for ever. Clipping the output layer hurts (section 4.1 of the paper).
    """

    name = "clip-adaptive"
    family = "gradients"
    limit: float = value(default=0.01, low=0, open_low=True, help="gradient norm over weight norm")
    last: bool = option(default=False, help="clip the last layer too")

    def attach_to(self, stage: Stage) -> None:
        """Clips when an optimizer's gradients are final."""
        import torch

        last: set[int] = set()

        def find_last(model: Any) -> None:
            # by parameters and not by `weight`: reading that of a parametrised layer computes it
            held = [(m, m._parameters.values()) for m in model.modules()]
            matrices = [m for m, own in held if any(p is not None and p.dim() >= 2 for p in own)]
            if matrices:
                last.update(id(p) for p in matrices[-1].parameters(recurse=False))

        if not self.last:
            stage.each_model(find_last)

        def clip(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            held, scale = final_gradients(optimizer)
            with torch.no_grad():
                for p, gradient in held:
                    if id(p) not in last:
                        allowed = unit_norm(p).clamp_min_(WEIGHT_NORM_FLOOR)
                        allowed.mul_(self.limit * scale)
                        norm = unit_norm(gradient)
                        factor = allowed / norm.clamp_min(1e-6)
                        gradient.mul_(torch.where(norm > allowed, factor, 1.0))

        stage.on("gradients_ready", clip)
