"""Directional derivative, gradient, and steepest descent in different norms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot

if TYPE_CHECKING:
    from torch import Tensor

PAGE = Page(
    question=("What is the gradient, and is it the direction of steepest descent?", "什么是梯度，它是最陡下降方向吗?"),
    shows=(
        (
            "f = x² + 10 y² at (2, 1): the gradient is ({gx:.0f}, {gy:.0f}), its length {length:.2f}. The derivative "
            "along a direction is that length times the cosine of the angle: {along:.2f} along it, {across:.2f} across.",
            "f = x² + 10 y² 在 (2, 1) 处：梯度是 ({gx:.0f}, {gy:.0f})，长度 {length:.2f}。沿某方向的导数等于这个长度乘夹角的"
            "余弦：沿梯度是 {along:.2f}，垂直于它是 {across:.2f}。",
        ),
        (
            "By differences, (f(x + h d) - f(x - h d)) / 2h in float64, the same to {by_difference:.0e}; in float32 the "
            "best h leaves {single:.0e}.",
            "用差分 (f(x + h d) - f(x - h d)) / 2h，float64 中误差 {by_difference:.0e}；float32 中最好的 h 误差 {single:.0e}。",
        ),
        (
            "A step of length 0.1 lowers f by {l2:.2f} along the gradient; by {linf:.2f} along its sign, if each number "
            "may move by 0.1; by {l1:.2f} along its largest number alone.",
            "长度 0.1 的一步，沿梯度使 f 降 {l2:.2f}；若允许每个数各动 0.1，沿梯度的符号降 {linf:.2f}；只沿最大的一个分量降 "
            "{l1:.2f}。",
        ),
        (
            "The gradient points {off:.0f} degrees away from the minimum; Newton's direction {newton:.0f} degrees.",
            "梯度方向偏离最小值 {off:.0f} 度；牛顿方向偏离 {newton:.0f} 度。",
        ),
        (
            "With a rate of 0.09 it takes {steps09:.0f} steps to 1e-6, with 0.05 {steps05:.0f}; with 0.11 f grows.",
            "学习率 0.09 要 {steps09:.0f} 步到 1e-6，0.05 要 {steps05:.0f} 步；0.11 时 f 增大。",
        ),
    ),
    plots=(
        Plot(
            ("Derivative along a direction", "沿某方向的导数"),
            {"derivative": ("measured by differences", "差分测得"), "cosine": ("length x cosine", "长度 x 余弦")},
            x=("angle to the gradient, degrees", "与梯度的夹角，度"),
        ),
        Plot(
            ("The way of gradient descent to (0, 0)", "梯度下降走向 (0, 0) 的路"),
            {"way09": ("rate 0.09", "学习率 0.09"), "way05": ("rate 0.05", "学习率 0.05"), "way11": ("rate 0.11", "学习率 0.11")},
            x=("x", "x"), y=("y", "y"), within=(-2, 2),
        ),
    ),
    checks=("learning-rate-too-high", "learning-rate-too-low", "loss-sign-flipped", "step-missing"),
    tricks=("lr", "momentum", "optimizer"),
)  # fmt: skip


def measure() -> Measured:
    """Compares the gradient with differences, and walks down with three rates."""
    import torch

    point = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(_f(point), point)
    length = float(gradient.norm())
    angle = math.atan2(float(gradient[1]), float(gradient[0]))
    here = point.detach()

    def along(degrees: float, h: float = 1e-5, kind: torch.dtype = torch.float64) -> float:
        turned = angle + math.radians(degrees)
        direction = torch.tensor([math.cos(turned), math.sin(turned)], dtype=kind)
        start = here.to(kind)
        return float((_f(start + h * direction) - _f(start - h * direction)) / (2 * h))

    angles = [float(degrees) for degrees in range(0, 361, 10)]
    curves = {
        "derivative": [(a, along(a)) for a in angles],
        "cosine": [(a, length * math.cos(math.radians(a))) for a in angles],
    }
    singles = [abs(along(0, 10.0**-k, torch.float32) / length - 1) for k in range(1, 8)]
    numbers: dict[str, float] = {
        "gx": float(gradient[0]), "gy": float(gradient[1]), "length": length, "along": along(0),
        "across": abs(along(90)), "single": max(min(singles), 1e-8),
        "by_difference": max(abs(along(a) - c) for a, c in curves["cosine"]),
    }  # fmt: skip
    steps = {
        "l2": gradient / length,
        "linf": gradient.sign(),
        "l1": gradient.sign() * (gradient.abs() == gradient.abs().max()),
    }
    for name, move in steps.items():
        numbers[name] = float(_f(here) - _f(here - 0.1 * move))
    newton = gradient / torch.tensor([2.0, 20.0], dtype=torch.float64)
    numbers |= {"off": _degrees(gradient, here), "newton": _degrees(newton, here)}
    for rate in (0.09, 0.05, 0.11):
        name, x = f"{rate:g}".removeprefix("0."), here
        way: list[tuple[float, float]] = []
        for step in range(1000):
            if step < 40:
                way.append((float(x[0]), float(x[1])))
            if float(_f(x)) < 1e-6:
                numbers[f"steps{name}"] = step
                break
            x = x - rate * torch.tensor([2.0, 20.0], dtype=torch.float64) * x
        curves[f"way{name}"] = way[:12] if rate == 0.11 else way
    return Measured(numbers, curves)


def _f(x: Tensor) -> Tensor:
    return x[0] ** 2 + 10 * x[1] ** 2


def _degrees(a: Tensor, b: Tensor) -> float:
    return math.degrees(math.acos(min(1.0, float(a @ b / (a.norm() * b.norm())))))
