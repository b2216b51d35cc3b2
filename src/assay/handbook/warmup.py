"""What warm-up does: it carries a network through a start that is too steep for the full rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .landscape import extremes
from .page import Measured, Page, Plot, by_step
from .small import digits, mlp, set_rate, train

if TYPE_CHECKING:
    from torch import nn

PAGE = Page(
    question=("What does warm-up do?", "预热(warm-up)有什么用?"),
    shows=(
        (
            "5 hidden layers, weights 1.4 times too large, rate {rate:g}: at the start the largest "
            "curvature is {sharp0:.0f}, where SGD is stable only below 2/{sharp0:.0f} = {stable0:.3f}.",
            "5 个隐藏层，权重偏大 1.4 倍，学习率 {rate:g}：开始时最大曲率是 {sharp0:.0f}，SGD 只在学习率小于 "
            "2/{sharp0:.0f} = {stable0:.3f} 时稳定。",
        ),
        (
            "Without warm-up the loss is not finite from step {died:.0f} on; with 40 steps of warm-up "
            "it rises to {top_warm:.0f} and ends at {end_warm:.2f}.",
            "没有预热，损失从第 {died:.0f} 步起不再是有限数；预热 40 步，它升到 {top_warm:.0f}，最后是 "
            "{end_warm:.2f}。",
        ),
        (
            "The curvature falls meanwhile, to {sharp40:.0f} at step 40 and {sharp80:.0f} at step 80: "
            "there the full rate, {rate:g}, lies below 2/{sharp80:.0f} = {stable80:.2f}.",
            "这期间曲率下降：第 40 步是 {sharp40:.0f}，第 80 步是 {sharp80:.0f}：在那里，完整的学习率 "
            "{rate:g} 小于 2/{sharp80:.0f} = {stable80:.2f}。",
        ),
        (
            "Begun by He's rule, the same network needs no warm-up: its loss never exceeds "
            "{top_he:.1f} and ends at {end_he:.2f}.",
            "用 He 的规则初始化，同样的网络不需要预热：损失从不超过 {top_he:.1f}，最后是 {end_he:.2f}。",
        ),
        (
            "Adam's first step moves a weight with a gradient of 1e-6 by {adam_small:.3f} rates and "
            "one with a gradient of 100 by {adam_large:.3f}: it is as long as any, however little is "
            "known.",
            "Adam 的第一步：梯度 1e-6 的权重移动 {adam_small:.3f} 个学习率，梯度 100 的移动 "
            "{adam_large:.3f} 个：知道得再少，步子也一样长。",
        ),
        (
            "LinearLR begins at {linear:.3f} of the rate by default, not near 0.",
            "LinearLR 默认从学习率的 {linear:.3f} 倍开始，不是从接近 0 开始。",
        ),
    ),
    plots=(
        Plot(
            ("The loss of the same network at the same rate", "同一网络、同一学习率的损失"),
            {
                "cold": ("no warm-up", "不预热"),
                "warm": ("40 steps of warm-up", "预热 40 步"),
                "he": ("no warm-up, He's start", "不预热，He 初始化"),
            },
            x=("step", "步"),
            y=("loss", "损失"),
            log="y",
            within=(0.01, 1e4),
        ),
        Plot(
            ("Under warm-up: the rate, and the largest stable one", "预热时：学习率，和稳定的上限"),
            {
                "rates": ("rate", "学习率"),
                "limits": ("2 / largest curvature", "2 / 最大曲率"),
            },
            x=("step", "步"),
            log="y",
        ),
    ),
    checks=("warmup-missing", "warmup-too-long", "initial-scale", "learning-rate-too-high"),
    tricks=("warmup", "init", "schedule"),
)

RATE, WARM, STEPS, TOO_LARGE = 0.16, 40, 150, 1.4


def measure() -> Measured:
    """Trains one network with and without warm-up, and follows its largest curvature."""
    import torch
    from torch import nn
    from torch.optim import SGD, Adam
    from torch.optim.lr_scheduler import LinearLR

    seen, _ = digits()
    few = seen[0][:300], seen[1][:300]
    curves: dict[str, list[tuple[float, float]]] = {"rates": [], "limits": []}
    numbers: dict[str, float] = {"rate": RATE}

    def run(name: str, scale: float, warm: int) -> None:
        model = _network(scale)
        optimizer = SGD(model.parameters(), lr=RATE)

        def before(step: int) -> None:
            rate = RATE * min(1.0, (step + 1) / warm) if warm else RATE
            set_rate(optimizer, rate)
            if warm and step % 10 == 0 and step <= 80:
                limit = 2 / extremes(model, few)[1]
                curves["rates"].append((float(step), rate))
                curves["limits"].append((float(step), limit))

        losses = train(model, seen, optimizer, STEPS, before=before)
        curves[name] = by_step(losses)
        numbers[f"top_{name}"], numbers[f"end_{name}"] = max(losses), sum(losses[-20:]) / 20

    run("cold", TOO_LARGE, 0)
    run("warm", TOO_LARGE, WARM)
    run("he", 1.0, 0)
    numbers["died"] = next(s for s, loss in curves["cold"] if not math.isfinite(loss))
    limits = dict(curves["limits"])
    for step in (0, WARM, 80):
        numbers |= {f"stable{step}": limits[step], f"sharp{step}": 2 / limits[step]}

    weights = nn.Parameter(torch.zeros(2))
    adam = Adam([weights], lr=1.0)
    weights.grad = torch.tensor([1e-6, 100.0])
    adam.step()
    numbers["adam_small"], numbers["adam_large"] = weights.detach().abs().tolist()
    optimizer = SGD([weights], lr=1.0)
    LinearLR(optimizer)
    numbers["linear"] = optimizer.param_groups[0]["lr"]
    return Measured(numbers, curves)


def _network(scale: float) -> nn.Sequential:
    """Returns a ReLU network whose weights are `scale` times as large as He's rule says."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    model = mlp([64] * 6 + [10], nn.ReLU)
    for weight in model.parameters():
        if weight.dim() == 2:
            nn.init.normal_(weight, 0, scale * math.sqrt(2 / weight.shape[1]))
    return model
