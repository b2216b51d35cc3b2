"""Gradient accumulation that is exact, and the division by the number of batches that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .page import Measured, Page, Plot

if TYPE_CHECKING:
    from torch import Tensor, nn

PAGE = Page(
    question=("How do I accumulate gradients exactly?", "怎样精确地累积梯度?"),
    shows=(
        (
            "4 small batches with 8, 3, 1 and 6 counted targets: dividing each mean loss by 4 gives a gradient "
            "that is off by {by_number:.0%}.",
            "4 个小批次，计入的目标数是 8、3、1、6：把每个平均损失除以 4，梯度误差是 {by_number:.0%}。",
        ),
        (
            "Sums of losses, divided by the {all:.0f} targets of all 4: off by {by_count:.4%}.",
            "把损失求和，再除以 4 个批次共 {all:.0f} 个目标：误差 {by_count:.4%}。",
        ),
        (
            "With equal counts dividing by 4 is right: off by {equal:.4%}.",
            "目标数相等时，除以 4 是对的：误差 {equal:.4%}。",
        ),
        (
            "Weighted classes: the divisor is the sum of the weights; by the number of targets the "
            "gradient is off by {weighted:.0%}.",
            "按类别加权时，应除以权重之和；若除以目标个数，误差 {weighted:.0%}。",
        ),
        (
            "A small batch without a counted target has the mean loss {empty:g}, and one such batch makes "
            "the whole gradient NaN.",
            "没有计入目标的小批次，平均损失是 {empty:g}；有一个这样的批次，整个梯度就是 NaN。",
        ),
        (
            "BatchNorm in the model: even exact accumulation is off by {norm:.0%}, since it sees 4 small "
            "batches, of which one differs from the others, and not one large.",
            "模型里有 BatchNorm：再精确的累积也差 {norm:.0%}，因为它看到的是 4 个小批次(其中一个与其他不同)，不是一个大批次。",
        ),
    ),
    plots=(
        Plot(
            ("Error of the accumulated gradient", "累积梯度的误差"),
            {
                "by_number": ("mean losses / 4, unequal counts", "平均损失 / 4，目标数不等"),
                "weighted": ("weighted classes, divided by the count", "类别加权，除以个数"),
                "norm": ("exact, but with BatchNorm", "精确，但有 BatchNorm"),
                "equal": ("mean losses / 4, equal counts", "平均损失 / 4，目标数相等"),
                "by_count": ("sums / count of all targets", "损失之和 / 全部目标数"),
            },
            x=("relative to the gradient of the large batch", "相对于大批次的梯度"),
            bars=True, log="x",
        ),
    ),
    checks=("accumulation-not-normalised", "all-targets-ignored", "no-sync-missing", "zero-grad-missing", "batchnorm-tiny-batch"),
    tricks=("accumulate", "ignore-index", "scale-lr-with-batch"),
)  # fmt: skip

SIZE, PARTS, IGNORED = 32, 4, -100
KEPT = (8, 3, 1, 6)


def measure() -> Measured:
    """Compares accumulated gradients with that of one large batch, in several ways."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy

    model = nn.Linear(16, 5)
    inputs, targets = torch.randn(SIZE, 16), torch.randint(5, (SIZE,))
    uneven = targets.clone()
    for part, kept in enumerate(KEPT):
        uneven[part * 8 + kept : part * 8 + 8] = IGNORED
    weights = torch.tensor([0.2, 1.0, 1.0, 1.0, 5.0])
    total = sum(KEPT)

    def off(of: nn.Module, goal: Tensor, divide: str, weight: Tensor | None = None) -> float:
        right = _gradient(of, [cross_entropy(of(inputs), goal, weight)])
        count = float((goal != IGNORED).sum())
        parts = []
        for rows in torch.arange(SIZE).split(SIZE // PARTS):
            how = "sum" if divide == "count" else "mean"
            loss = cross_entropy(of(inputs[rows]), goal[rows], weight, reduction=how)
            parts.append(loss / (count if divide == "count" else PARTS))
        return float((_gradient(of, parts) - right).norm() / right.norm())

    empty = cross_entropy(model(inputs[:4]), torch.full((4,), IGNORED))
    normed = nn.Sequential(nn.BatchNorm1d(16), nn.Linear(16, 5))
    inputs[:8] += 2.0  # small batches that differ, as those of sorted or grouped data do
    numbers = {
        "all": total, "by_number": off(model, uneven, "number"), "by_count": off(model, uneven, "count"),
        "equal": off(model, targets, "number"), "weighted": off(model, targets, "count", weights),
        "norm": off(normed, targets, "count"), "empty": float(empty.detach()),
    }  # fmt: skip
    return Measured(numbers)


def _gradient(model: nn.Module, losses: list[Tensor]) -> Tensor:
    """Returns the gradient that backward passes of these losses leave, as one vector."""
    import torch

    model.zero_grad()
    for loss in losses:
        loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
