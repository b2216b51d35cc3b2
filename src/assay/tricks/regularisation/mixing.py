"""Mixing two samples of a batch: what `mixup` and `cutmix` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage

Mix = Callable[["Tensor", "Tensor", float], tuple["Tensor", float]]


def soft_targets(target: Tensor, order: Tensor, share: float, classes: int) -> Tensor:
    """Class probabilities: `share` on the own label, the rest on the partner's."""
    import torch.nn.functional as F

    own = F.one_hot(target, classes).float()
    return share * own + (1 - share) * own[order]


def mix_batches(stage: Stage, name: str, alpha: float, mix: Mix) -> None:
    """Mixes the first input of training calls, and the targets of the cross-entropy that follows.

    Args:
        stage: where to act.
        name: the trick's name, for refusals.
        alpha: parameter of the Beta distribution that the share is drawn from.
        mix: gives the mixed batch and the exact share of the own sample.
    """
    import torch

    drawn: dict[str, Any] = {}
    shares = torch.distributions.Beta(alpha, alpha)  # making one costs more than a draw

    def call(given: Any, module: Any) -> Any:
        args, kwargs = given
        if not torch.is_grad_enabled() or not stage.meant_model(module):
            return given  # between a training call and its loss a teacher may be called
        drawn.clear()
        if not module.training:
            return given
        source = args[0] if args else None
        if not isinstance(source, torch.Tensor) or not source.is_floating_point():
            stage.refuse(name, "the model's first argument is no floating-point batch")
        share = float(shares.sample())
        order = torch.randperm(source.shape[0], device=source.device)
        mixed, share = mix(source, order, share)
        drawn.update(order=order, share=share)
        return (mixed, *args[1:]), kwargs

    def loss(given: Any, which: str) -> Any:
        args, kwargs = given
        if not drawn or not torch.is_grad_enabled():
            return given
        source = args[0] if args else kwargs["input"]
        target = args[1] if len(args) > 1 else kwargs.get("target")
        labels = isinstance(target, torch.Tensor) and not target.is_floating_point()
        if which != "cross_entropy" or not labels or source.dim() != 2:
            stage.refuse(name, "the loss is no cross-entropy of one class per sample")
        soft = soft_targets(target, drawn["order"], drawn["share"], source.shape[1])
        soft = soft.to(source.dtype)
        if len(args) > 1:
            return (args[0], soft, *args[2:]), kwargs
        return args, {**kwargs, "target": soft}

    stage.root_calls(call)
    stage.change("loss", loss)
