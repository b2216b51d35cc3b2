"""Over how many targets a loss function took its mean."""

from __future__ import annotations

from typing import Any

MEAN = 1  # in ATen's Reduction


def counted_targets(name: str, function: Any, args: Any, kwargs: Any, result: Any) -> float:
    """Counts what a mean-reduced loss was divided by; 1 for a loss that is a sum.

    For cross-entropy and nll: targets that are not `ignore_index`, each with its class weight. For
    other losses: the elements of input and target after broadcasting.
    """
    import torch

    # what nll has divided by, it keeps for the backward pass; half precision would round it
    divisor = getattr(result.grad_fn, "_saved_total_weight", None)
    if divisor is not None and divisor.dtype in (torch.float32, torch.float64):
        return float(divisor) if result.grad_fn._saved_reduction == MEAN else 1.0

    from ...seams.arguments import bind  # the parent reads names from tricks, and has no torch

    given = bind(function, args, kwargs)
    source, target = given.get("input"), given.get("target")
    if name == "kl_div" and given.get("reduction") == "batchmean":
        return float(given["input"].shape[0])
    if given.get("reduction", "mean") != "mean" or not isinstance(source, torch.Tensor):
        return 1.0
    if not isinstance(target, torch.Tensor):
        return float(source.shape[0]) if source.dim() else 1.0
    if name in ("cross_entropy", "nll_loss") and not target.is_floating_point():
        counted = target != given.get("ignore_index", -100)
        weight = given.get("weight")
        return float(counted.sum() if weight is None else weight[target[counted]].sum())
    if name == "cross_entropy":
        return float(source.numel() / source.shape[1])
    if name == "kl_div":
        return float(source.numel())
    shape: Any = torch.functional.broadcast_tensors(source, target)[0].shape  # type: ignore[no-untyped-call]
    return float(shape.numel())
