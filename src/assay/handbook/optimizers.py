"""Optimizers on one landscape: a curved valley, and a slope that is noisy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot, by_step

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

PAGE = Page(
    question=(
        "How do SGD, momentum, AdaGrad, RMSprop, Adam and others differ on the same landscape?",
        "SGD、动量、AdaGrad、RMSprop、Adam 等在同一地形上有什么不同?",
    ),
    shows=(
        (
            "A valley 100 times steeper across than along, each at its best rate of a grid, 200 steps: "
            "the loss falls from {start:.0f} to {sgd:.1e} with SGD, {momentum:.1e} with momentum, "
            "{adagrad:.1e} with AdaGrad, {rmsprop:.1e} with RMSprop, {adam:.1e} with Adam.",
            "横向比纵向陡 100 倍的山谷，每种优化器都用网格中最好的学习率，200 步：损失从 {start:.0f} 降到 SGD "
            "{sgd:.1e}，动量 {momentum:.1e}，AdaGrad {adagrad:.1e}，RMSprop {rmsprop:.1e}，Adam {adam:.1e}。",
        ),
        (
            "The same valley turned by 45 degrees: SGD {sgd_turned:.1e}, momentum {momentum_turned:.1e}, "
            "AdaGrad {adagrad_turned:.1e}, RMSprop {rmsprop_turned:.1e}, Adam {adam_turned:.1e}: AdaGrad and "
            "RMSprop, which have one scale for each axis, lose what they had gained.",
            "同一山谷转 45 度：SGD {sgd_turned:.1e}，动量 {momentum_turned:.1e}，AdaGrad {adagrad_turned:.1e}，"
            "RMSprop {rmsprop_turned:.1e}，Adam {adam_turned:.1e}：AdaGrad 和 RMSprop 每个坐标轴一个尺度，"
            "这时优势没有了。",
        ),
        (
            "Noisy gradients at a constant rate: SGD's last weights have the loss {noisy:.2f}, their "
            "schedule-free average {free:.3f}, without any schedule.",
            "学习率恒定、梯度有噪声：SGD 最后的权重损失 {noisy:.2f}，schedule-free 的平均是 {free:.3f}，"
            "不用任何调度。",
        ),
        (
            "A matrix of 64 x 256 has {full:.0f} second moments in Adam, {factored:.0f} in Adafactor; a "
            "kernel of 64 x 64 x 3 x 3 has {kernel_full:.0f} and {kernel:.0f} in torch's.",
            "64 x 256 的矩阵，Adam 存 {full:.0f} 个二阶矩，Adafactor 存 {factored:.0f} 个；64 x 64 x 3 x 3 的"
            "卷积核分别是 {kernel_full:.0f} 和 {kernel:.0f} 个(torch 的实现)。",
        ),
        (
            "Multiplying the loss by 1000 makes Adam's 200 steps end {invariant:.1e} away from before: it "
            "knows the size of gradients, not the curvature.",
            "把损失乘以 1000，Adam 走 200 步的终点只差 {invariant:.1e}：它知道的是梯度的大小，不是曲率。",
        ),
    ),
    plots=(
        Plot(
            ("The valley along the axes", "沿坐标轴的山谷"),
            {
                "sgd": ("SGD", "SGD"), "momentum": ("momentum", "动量"), "adagrad": ("AdaGrad", "AdaGrad"),
                "rmsprop": ("RMSprop", "RMSprop"), "adam": ("Adam", "Adam"),
            },
            x=("step", "步"), y=("loss", "损失"), log="y", within=(1e-8, 1e2),
        ),
        Plot(
            ("Turned by 45 degrees", "转 45 度"),
            {
                "sgd_turned": ("SGD", "SGD"), "momentum_turned": ("momentum", "动量"),
                "adagrad_turned": ("AdaGrad", "AdaGrad"), "rmsprop_turned": ("RMSprop", "RMSprop"),
                "adam_turned": ("Adam", "Adam"),
            },
            x=("step", "步"), y=("loss", "损失"), log="y", within=(1e-8, 1e2),
        ),
    ),
    checks=("learning-rate-too-high", "learning-rate-too-low", "l2-with-adaptive", "optimizer-recreated", "state-not-restored"),
    tricks=("optimizer", "momentum", "betas", "lr"),
)  # fmt: skip

STEPS = 200
RATES = tuple(10 ** (k / 4) for k in range(-14, 3))


def measure() -> Measured:
    """Walks down a valley with several optimizers, along the axes and turned."""
    import torch
    from torch.optim import SGD, Adafactor, Adagrad, Adam, RMSprop

    kinds: dict[str, Callable[[list[Tensor], float], Optimizer]] = {
        "sgd": lambda w, rate: SGD(w, lr=rate),
        "momentum": lambda w, rate: SGD(w, lr=rate, momentum=0.9),
        "adagrad": lambda w, rate: Adagrad(w, lr=rate),
        "rmsprop": lambda w, rate: RMSprop(w, lr=rate),
        "adam": lambda w, rate: Adam(w, lr=rate),
    }
    numbers: dict[str, float] = {"start": 0.5 * (100 + 0.37**2)}
    curves: dict[str, list[tuple[float, float]]] = {}
    for suffix, angle in (("", 0.0), ("_turned", math.pi / 4)):
        for name, make in kinds.items():
            paths = [_walk(make, rate, angle) for rate in RATES]
            best = min(paths, key=lambda path: path[-1] if math.isfinite(path[-1]) else math.inf)
            curves[name + suffix], numbers[name + suffix] = by_step(best), best[-1]
    numbers["noisy"], numbers["free"] = _noisy()

    for name, shape in (("factored", (64, 256)), ("kernel", (64, 64, 3, 3))):
        weights = torch.nn.Parameter(torch.zeros(shape))
        weights.grad = torch.ones(shape)
        optimizer = Adafactor([weights])
        optimizer.step()
        kept = optimizer.state[weights]
        numbers[name] = sum(kept[key].numel() for key in ("row_var", "col_var"))
    numbers |= {"full": 64 * 256, "kernel_full": 64 * 64 * 9}
    ends = [_walk(kinds["adam"], 0.05, 0.3, factor)[-1] / factor for factor in (1.0, 1000.0)]
    numbers["invariant"] = abs(ends[0] - ends[1])
    return Measured(numbers, curves)


def _walk(
    make: Callable[[list[Tensor], float], Optimizer], rate: float, angle: float, factor: float = 1.0
) -> list[float]:
    """Returns the loss by step in a valley of curvatures 100 and 1, turned by an angle."""
    import torch

    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    curvature = factor * turn @ torch.diag(torch.tensor([100.0, 1.0])) @ turn.T
    weights = (turn @ torch.tensor([1.0, 0.37])).requires_grad_()
    optimizer, losses = make([weights], rate), []
    for _ in range(STEPS + 1):
        with torch.no_grad():
            weights.grad = curvature @ weights
            losses.append(float(0.5 * weights @ weights.grad))
        optimizer.step()
    return losses


def _noisy() -> tuple[float, float]:
    """Runs SGD and schedule-free SGD at a constant rate under noise; both losses at their ends."""
    import torch

    drawn = torch.Generator().manual_seed(0)
    rate, beta = 0.1, 0.9
    plain, z, x, tail = torch.ones(50), torch.ones(50), torch.ones(50), []
    for step in range(1, 1001):
        noise = torch.randn(50, generator=drawn)
        plain = plain - rate * (plain + noise)
        y = (1 - beta) * z + beta * x  # the gradient is taken here
        z = z - rate * (y + noise)
        x = x + (z - x) / step
        tail.append(float(0.5 * plain @ plain))
    return sum(tail[-100:]) / 100, float(0.5 * x @ x)
