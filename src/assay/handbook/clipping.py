"""Clipping by norm and by value, what each does to the direction, and where it belongs."""

from __future__ import annotations

import math

from .page import Measured, Page, Plot, by_step

PAGE = Page(
    question=("What does gradient clipping do, and where does it belong?", "梯度裁剪做了什么，应放在哪里?"),
    shows=(
        (
            "The gradient (3, 4), clipped by norm to 1: ({norm_a:.1f}, {norm_b:.1f}), same direction. "
            "(0.5, 8) by value to 1: ({value_a:.1f}, {value_b:.1f}), turned by {turned:.0f} degrees.",
            "梯度 (3, 4) 按范数裁剪到 1：({norm_a:.1f}, {norm_b:.1f})，方向不变。(0.5, 8) 按值裁剪到 1："
            "({value_a:.1f}, {value_b:.1f})，转了 {turned:.0f} 度。",
        ),
        (
            "On a steep wall the gradient is {steep:.0f}: one plain step throws the weight from 4 to "
            "{thrown:.0f}; clipped to 1 it walks down and ends {near:.2f} from the minimum.",
            "在陡墙上梯度是 {steep:.0f}：普通的一步把权重从 4 甩到 {thrown:.0f}；裁剪到 1，它一步步走下来，最终离最小值 "
            "{near:.2f}。",
        ),
        (
            "One infinite gradient among 10: clipping leaves {zeros:.0f} times 0 and {nans:.0f} NaN.",
            "10 个梯度中有一个无穷大：裁剪后有 {zeros:.0f} 个 0、{nans:.0f} 个 NaN。",
        ),
        (
            "Clipped to 1 before unscaling, with a scale of 65536: the gradient that arrives has the "
            "norm {scaled:.1e}; after unscaling, {unscaled:.1f}.",
            "缩放因子 65536，若在还原之前裁剪到 1：到达优化器的梯度范数是 {scaled:.1e}；还原之后裁剪则是 "
            "{unscaled:.1f}。",
        ),
        (
            "Adam divides by the size of gradients: all clipped to a thousandth, its 50 steps end "
            "{adam:.4f} away from the unclipped ones.",
            "Adam 会除以梯度的大小：全部梯度缩到千分之一，它走 50 步后与不裁剪只差 {adam:.4f}。",
        ),
    ),
    plots=(
        Plot(
            ("The weight, before a wall at 1", "权重；1 处有一堵墙"),
            {"plain": ("plain", "普通"), "clipped": ("clipped to 1", "裁剪到 1")},
            x=("step", "步"), y=("weight", "权重"), within=(-60, 10),
        ),
    ),
    checks=("exploding-gradient", "clipping-always", "clipping-after-step", "clipping-scaled-gradients", "loss-spike"),
    tricks=("clip-norm", "clip-value", "clip-adaptive", "clip-percentile", "skip-non-finite"),
)  # fmt: skip


def measure() -> Measured:
    """Clips by hand-sized gradients, and walks towards a cliff with and without clipping."""
    import torch
    from torch.nn.utils import clip_grad_norm_, clip_grad_value_

    def clipped(values: list[float], clip: object) -> list[float]:
        weights = torch.nn.Parameter(torch.zeros(len(values)))
        weights.grad = torch.tensor(values)
        assert callable(clip)
        clip([weights], 1.0)
        return [float(value) for value in weights.grad]

    by_norm, by_value = clipped([3.0, 4.0], clip_grad_norm_), clipped([0.5, 8.0], clip_grad_value_)
    turned = math.atan2(8.0, 0.5) - math.atan2(by_value[1], by_value[0])
    bad = clipped([1.0] * 9 + [math.inf], clip_grad_norm_)
    numbers: dict[str, float] = {
        "norm_a": by_norm[0], "norm_b": by_norm[1], "value_a": by_value[0], "value_b": by_value[1],
        "turned": math.degrees(turned), "zeros": bad.count(0.0),
        "nans": sum(math.isnan(value) for value in bad),
    }  # fmt: skip
    scaled = clipped([3.0 * 65536, 4.0 * 65536], clip_grad_norm_)
    numbers["scaled"] = math.hypot(*scaled) / 65536
    numbers["unscaled"] = math.hypot(*by_norm)

    plain, steepest = _walk(math.inf)
    careful, _ = _walk(1.0)
    numbers |= {"steep": steepest, "thrown": min(plain, key=lambda w: -abs(w))}
    numbers["near"] = abs(careful[-1] - MINIMUM)
    numbers["adam"] = max(abs(a - b) for a, b in zip(_adam(1.0), _adam(1e-3), strict=True))
    return Measured(numbers, {"plain": by_step(plain), "clipped": by_step(careful)})


MINIMUM, RATE = 0.9, 0.1


def _walk(limit: float) -> tuple[list[float], float]:
    """Goes down a slope that ends in a wall: (w - 0.9)^2 / 2, and 100 (w - 1)^2 behind 1.

    Returns:
        The weight by step, and the largest gradient that was met.
    """
    weight, path, steepest = 4.0, [], 0.0
    for _ in range(60):
        path.append(weight)
        slope = (weight - MINIMUM) + (200 * (weight - 1) if weight > 1 else 0.0)
        steepest = max(steepest, abs(slope))
        weight -= RATE * slope * min(1.0, limit / abs(slope) if slope else 1.0)
    return path, steepest


def _adam(factor: float) -> list[float]:
    """Returns where Adam ends after 50 steps on gradients that are all multiplied by a factor."""
    import torch

    drawn = torch.Generator().manual_seed(0)
    weights = torch.nn.Parameter(torch.zeros(4))
    optimizer = torch.optim.Adam([weights], lr=0.01)
    for _ in range(50):
        weights.grad = factor * (1 + torch.randn(4, generator=drawn))
        optimizer.step()
    return [float(weight) for weight in weights.detach()]
