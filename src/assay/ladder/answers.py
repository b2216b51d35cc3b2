"""How good answers are by torch's own loss, whatever the script makes of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

CLASSES = ("cross_entropy", "nll_loss")
SHARES = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
KNOWN = (*CLASSES, *SHARES, *NUMBERS)
AT_BOUND = 0.1
"""Of the answers are one and the same value, the least or the greatest of all."""
_ELEMENTWISE: dict[str, Any] = {
    "mse_loss": F.mse_loss, "l1_loss": F.l1_loss,
    "smooth_l1_loss": F.smooth_l1_loss, "huber_loss": F.huber_loss,
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
}  # fmt: skip


def loss_of(
    name: str, answers: Tensor, targets: Tensor, ignored: int, *, as_given: bool = False
) -> Tensor | None:
    """Returns the mean loss of answers, a scalar in float32, with shapes made equal.

    None where they do not fit each other.

    Args:
        name: Of a function of `torch.nn.functional`.
        answers: Shape [n, c, ...] for classes, else that of the targets.
        targets: Classes of shape [n, ...], or numbers.
        ignored: The class that does not count.
        as_given: Whether shapes that differ are left to torch, which holds each against each.
    """
    answers = answers.float()
    if as_given and name in _ELEMENTWISE:
        given: Tensor = _ELEMENTWISE[name](answers, targets.float())
        return given
    if name in CLASSES:
        if targets.is_floating_point() or answers.dim() != targets.dim() + 1 or answers.dim() < 2:
            return None
        function = F.cross_entropy if name == "cross_entropy" else F.nll_loss
        return function(answers, targets, ignore_index=ignored)
    if name not in _ELEMENTWISE or answers.numel() != targets.numel():
        return None
    made: Tensor = _ELEMENTWISE[name](answers.reshape(targets.shape), targets.float())
    return made


def constant_loss(name: str, targets: Tensor, ignored: int) -> tuple[float, float] | None:
    """Returns the loss of the best answer that ignores the input, and the least there is.

    None where that is not known. For numbers each place of a row has its own constant.

    Args:
        name: As for `loss_of`.
        targets: The same.
        ignored: The same.
    """
    if name in CLASSES:
        counts = torch.bincount(targets[targets != ignored].reshape(-1)).double()
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * shares.log()).sum()), 0.0
    rows = targets.double().reshape(len(targets), -1) if targets.dim() else targets.double()[None]
    if name in SHARES:
        if bool((rows < 0).any()) or bool((rows > 1).any()):
            return None
        return float(_entropy(rows.mean(0)).mean()), float(_entropy(rows).mean())
    if name in NUMBERS:
        function = _ELEMENTWISE[name]
        best = min(
            float(function(middle.expand_as(rows), rows))
            for middle in (rows.mean(0, keepdim=True), rows.median(0, keepdim=True).values)
        )
        return best, 0.0
    return None


def if_unbounded(name: str, answers: Tensor, targets: Tensor, ignored: int) -> float | None:
    """Returns the least loss that the same answers have when stretched, about 0 or their middle.

    A last layer that is free has no use for it: it could have stretched them by itself. None for
    other losses than those of scores.
    """
    if name not in ("cross_entropy", "binary_cross_entropy_with_logits"):
        return None
    answers = answers.float()
    middle = (answers.amax() + answers.amin()) / 2
    made = (
        loss_of(name, factor * (answers - zero), targets, ignored)
        for factor in (2.0, 4.0, 8.0)
        for zero in (0.0, middle)
    )
    return min((float(loss) for loss in made if loss is not None), default=None)


def is_outside(name: str, targets: Tensor) -> bool:
    """Whether targets lie outside of the range in which a loss has a least value."""
    return name in SHARES and bool(((targets < 0) | (targets > 1)).any())


def at_a_bound(name: str, answers: Tensor, targets: Tensor) -> tuple[float, float, float] | None:
    """Returns where answers of numbers end, though targets go on: the bound, the share, the target.

    A last activation with a range, such as ReLU, gives one value again and again, its least or its
    greatest. None where answers are not so.
    """
    if name not in NUMBERS or answers.numel() != targets.numel() or answers.numel() < 16:
        return None
    made, wanted = answers.double().reshape(-1), targets.double().reshape(-1)
    for bound, outermost in ((made.min(), wanted.min()), (made.max(), wanted.max())):
        share = float((made == bound).double().mean())
        if AT_BOUND <= share < 1 and abs(outermost - bound) > 0.5 * wanted.std():
            beyond = outermost < bound if bound == made.min() else outermost > bound
            if beyond:
                return float(bound), share, float(outermost)
    return None


def _entropy(shares: Tensor) -> Tensor:
    inside = shares.clamp(1e-12, 1 - 1e-12)
    return -(inside * inside.log() + (1 - inside) * (1 - inside).log())
