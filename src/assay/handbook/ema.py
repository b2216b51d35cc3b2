"""An exponential moving average of weights: its memory, its bias, and what it does for noise."""

from __future__ import annotations

import math

from .page import Measured, Page, Plot, by_step
from .small import digits, loss_and_accuracy, mlp, train

PAGE = Page(
    question=("What does an EMA of the weights do, and why is mine bad?", "权重的 EMA 有什么用，为什么我的不好?"),
    shows=(
        (
            "A decay of 0.9999 has a half-life of {half9999:.0f} updates: after 1000 steps {left9999:.0%} of "
            "the average is still the untrained start, with 0.99 {left99:.4%}.",
            "衰减 0.9999 的半衰期是 {half9999:.0f} 次更新：1000 步后，平均里还有 {left9999:.0%} 是未训练的起点，"
            "0.99 时是 {left99:.4%}。",
        ),
        (
            "Digits, 400 noisy steps: the weights have the held-out loss {plain:.3f}, their EMA of 0.98 "
            "{good:.3f}, an EMA of 0.9999 {slow:.2f}, where a guess has {guess:.2f}.",
            "手写数字，400 个有噪声的步：权重的留出损失 {plain:.3f}，衰减 0.98 的 EMA 是 {good:.3f}，0.9999 的是 "
            "{slow:.2f}，而随便猜是 {guess:.2f}。",
        ),
        (
            "The same 0.9999 with a warm-up of the decay, min(decay, (1 + t)/(10 + t)): {warmed:.3f}.",
            "同样的 0.9999，让衰减也预热，min(decay, (1 + t)/(10 + t))：{warmed:.3f}。",
        ),
        (
            "An average kept in bfloat16 on its way from 1 to 1.5, 5000 updates of 0.999: {bf:.2f}; in "
            "float32 {fp:.2f}.",
            "用 bfloat16 存的平均，从 1 走向 1.5，衰减 0.999，5000 次更新：{bf:.2f}；float32 是 {fp:.2f}。",
        ),
        (
            "The weight of the newest step in an EMA of 0.98 is {newest:.2f}, of one 50 steps back "
            "{older:.3f}: no step is left out.",
            "0.98 的 EMA 中，最新一步的权重是 {newest:.2f}，50 步之前的是 {older:.3f}：没有一步被丢掉。",
        ),
    ),
    plots=(
        Plot(
            ("Held-out loss of the weights and of their averages", "权重及其平均的留出损失"),
            {
                "weights": ("weights", "权重"), "ema98": ("EMA 0.98", "EMA 0.98"),
                "ema9999": ("EMA 0.9999", "EMA 0.9999"), "warmed": ("0.9999, decay warmed up", "0.9999，衰减预热"),
            },
            x=("step", "步"), y=("loss", "损失"), log="y",
        ),
        Plot(
            ("How much of the start is left", "起点还剩多少"),
            {"left99": ("0.99", "0.99"), "left999": ("0.999", "0.999"), "left9999": ("0.9999", "0.9999")},
            x=("updates", "更新次数"),
        ),
    ),
    checks=("average-lags", "average-without-buffers", "updates-lost"),
    tricks=("ema", "swa", "schedule"),
)  # fmt: skip

STEPS = 400


def measure() -> Measured:
    """Averages the weights of a noisy training in three ways."""
    import copy

    import torch
    from torch import nn

    numbers: dict[str, float] = {
        "half9999": math.log(0.5) / math.log(0.9999), "left9999": 0.9999**1000, "left99": 0.99**1000,
        "guess": math.log(10), "newest": 0.02, "older": 0.02 * 0.98**50,
    }  # fmt: skip
    curves: dict[str, list[tuple[float, float]]] = {
        f"left{name}": by_step(decay**t for t in range(0, 3001, 50))
        for name, decay in (("99", 0.99), ("999", 0.999), ("9999", 0.9999))
    }
    curves = {name: [(50 * x, y) for x, y in curve] for name, curve in curves.items()}
    seen, held = digits()
    torch.manual_seed(0)
    model = mlp([64, 32, 10], nn.ReLU)
    averages = {name: copy.deepcopy(model) for name in ("ema98", "ema9999", "warmed")}
    for name in ("weights", *averages):
        curves[name] = []

    def follow(step: int) -> None:
        """Moves the averages, and now and then looks at all of them."""
        for name, average in averages.items():
            decay = {
                "ema98": 0.98,
                "ema9999": 0.9999,
                "warmed": min(0.9999, (1 + step) / (10 + step)),
            }
            with torch.no_grad():
                for mean, weight in zip(average.parameters(), model.parameters(), strict=True):
                    mean.lerp_(weight, 1 - decay[name])
        if step % 10 == 0 or step == STEPS:
            for name, each in {"weights": model, **averages}.items():
                curves[name].append((float(step), loss_and_accuracy(each, held)[0]))

    train(model, seen, torch.optim.SGD(model.parameters(), lr=0.5), STEPS, batch=8, before=follow)
    follow(STEPS)
    for key, name in (
        ("plain", "weights"),
        ("good", "ema98"),
        ("slow", "ema9999"),
        ("warmed", "warmed"),
    ):
        numbers[key] = curves[name][-1][1]
    for key, kind in (("bf", torch.bfloat16), ("fp", torch.float32)):
        mean, target = torch.ones((), dtype=kind), torch.tensor(1.5, dtype=kind)
        for _ in range(5000):
            mean.lerp_(target, 1 - 0.999)
        numbers[key] = float(mean)
    return Measured(numbers, curves)
