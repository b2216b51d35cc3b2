"""Gradients as a step is about to use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def final_gradients(optimizer: Any) -> tuple[list[Tensor], float]:
    """The parameters of an optimizer that hold a gradient, and the scale of these gradients.

    The scale is 1 but for a fused optimizer under a GradScaler, which unscales inside its own step:
    a limit has to be multiplied by it.
    """
    held = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    scale = getattr(optimizer, "grad_scale", None)
    return held, 1.0 if scale is None else float(scale)
