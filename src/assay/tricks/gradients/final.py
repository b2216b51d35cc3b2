"""Gradients as a step is about to use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def final_gradients(optimizer: Any) -> tuple[list[tuple[Tensor, Tensor]], float]:
    """Parameters of an optimizer that hold a gradient, with it, and the gradients' scale.

    The scale is 1 but for a fused optimizer under a GradScaler, which unscales inside its own step:
    a limit has to be multiplied by it.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    held = [(p, p.grad) for p in parameters if p.grad is not None]
    scale = getattr(optimizer, "grad_scale", None)
    return held, 1.0 if scale is None else float(scale)


def norm_so_far(parameters: Any, max_norm: float, norm_type: float = 2.0, **_: Any) -> Any:
    """Returns the gradient norm for a script that prints it, while clipping is held back."""
    import torch

    held = [parameters] if isinstance(parameters, torch.Tensor) else parameters
    return torch.nn.utils.get_total_norm([p.grad for p in held if p.grad is not None], norm_type)


def nothing(*args: Any, **kwargs: Any) -> None:
    """Does nothing, where a function without a result is put off."""
