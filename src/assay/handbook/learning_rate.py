"""A learning rate that is too large, too small, or decayed too early."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot, by_step
from .small import digits, mlp, set_rate, train

if TYPE_CHECKING:
    from torch import nn

    from .small import Data

PAGE = Page(
    question=(
        "What happens when the learning rate is too large, too small, or decays too early?",
        "学习率太大、太小或衰减太早会怎样?",
    ),
    shows=(
        (
            "On a curvature of 10, each step multiplies the distance to the minimum by 1 - 10 rate: "
            "at 0.19 by {at19:.1f}, at 0.2 by {at20:.1f}, at 0.21 by {at21:.1f}.",
            "曲率为 10 时，每步把到最小值的距离乘以 1 - 10 × 学习率：0.19 时乘以 {at19:.1f}，0.2 时乘以 "
            "{at20:.1f}，0.21 时乘以 {at21:.1f}。",
        ),
        (
            "Digits, 200 steps of SGD: the loss ends at {small:.2f} with a rate of 0.001, at "
            "{right:.3f} with {best:g}, and with 3 at {large:.2f}, where a guess has {guess:.2f}.",
            "手写数字，200 步 SGD：学习率 0.001 时损失停在 {small:.2f}，{best:g} 时 {right:.3f}，3 时 "
            "{large:.2f}，而随便猜是 {guess:.2f}。",
        ),
        (
            "The same best rate decayed to 0 within 20 steps: {early:.2f}.",
            "同样的最好学习率，若在 20 步内衰减到 0：{early:.2f}。",
        ),
        (
            "Range test: the loss falls fastest per factor of the rate at {by_log:.2g}; per unit of "
            "the rate at {by_rate:.2g}, which is {factor:.0f} times too small.",
            "学习率范围测试：按倍数看，损失在 {by_log:.2g} 处降得最快；按单位看是 {by_rate:.2g}，小了 "
            "{factor:.0f} 倍。",
        ),
    ),
    plots=(
        Plot(
            ("The loss by step", "每步的损失"),
            {
                "small": ("0.001: too small", "0.001：太小"),
                "right": ("the best", "最好"),
                "large": ("3: too large", "3：太大"),
                "early": ("the best, decayed in 20 steps", "最好，但 20 步内衰减完"),
            },
            x=("step", "步"),
            y=("loss", "损失"),
            log="y",
            within=(0.01, 20),
        ),
        Plot(
            ("The loss after 200 steps, by rate", "200 步后的损失，随学习率"),
            {"ends": ("mean of the last 20 steps", "最后 20 步的平均")},
            x=("rate", "学习率"),
            log="xy",
        ),
        Plot(
            ("Range test: the rate grows at each step", "范围测试：每步增大学习率"),
            {"range": ("loss, smoothed", "损失(平滑)")},
            x=("rate", "学习率"),
            log="x",
            within=(0, 4),
        ),
    ),
    checks=(
        "learning-rate-too-high", "learning-rate-too-low", "rate-decays-too-early",
        "rate-rises-again", "loss-oscillating", "loss-not-decreasing", "learning-rate-of-checkpoint",
        "scheduler-unit-mismatch",
    ),
    tricks=("lr", "schedule", "warmup"),
)  # fmt: skip

STEPS = 200
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def measure() -> Measured:
    """Trains the same network on digits with several rates, and makes a range test."""
    from torch.optim import SGD

    numbers: dict[str, float] = {f"at{n}": 1 - 10 * n / 100 for n in (19, 20, 21)}
    seen, _ = digits()
    runs = {}
    for rate in RATES:
        model = _network()
        runs[rate] = train(model, seen, SGD(model.parameters(), lr=rate), STEPS)
    ends = {rate: _end(losses) for rate, losses in runs.items()}
    best = min(RATES, key=lambda rate: ends[rate] if math.isfinite(ends[rate]) else math.inf)
    curves = {
        "small": by_step(runs[RATES[0]]), "right": by_step(runs[best]),
        "large": by_step(runs[RATES[-1]]), "ends": list(ends.items()),
    }  # fmt: skip
    numbers |= {
        "best": best,
        "small": ends[RATES[0]],
        "right": ends[best],
        "large": ends[RATES[-1]],
    }

    model = _network()
    optimizer = SGD(model.parameters(), lr=best)

    def decay(step: int) -> None:
        set_rate(optimizer, best * max(0.0, 1 - step / 20))

    losses = train(model, seen, optimizer, STEPS, before=decay)
    curves["early"] = by_step(losses)
    numbers |= {"early": _end(losses), "guess": math.log(10)}

    curves["range"] = _range_test(seen)
    numbers["by_log"] = _steepest(curves["range"], per_factor=True)
    numbers["by_rate"] = _steepest(curves["range"], per_factor=False)
    numbers["factor"] = numbers["by_log"] / numbers["by_rate"]
    return Measured(numbers, curves)


def _network() -> nn.Sequential:
    import torch
    from torch import nn

    torch.manual_seed(2)
    return mlp([64, 64, 64, 10], nn.ReLU)


def _end(losses: list[float]) -> float:
    return sum(losses[-20:]) / 20


def _range_test(seen: Data) -> list[tuple[float, float]]:
    """Raises the rate from 1e-5 to 10 by one factor a step; stops when the loss explodes."""
    from torch.optim import SGD

    model = _network()
    optimizer = SGD(model.parameters(), lr=1e-5)
    rates = [1e-5 * 10 ** (6 * step / STEPS) for step in range(STEPS + 1)]
    losses = train(
        model, seen, optimizer, len(rates), before=lambda s: set_rate(optimizer, rates[s])
    )
    smooth, kept, lowest = 0.0, [], math.inf
    for step, (rate, loss) in enumerate(zip(rates, losses, strict=True), 1):
        smooth = 0.9 * smooth + 0.1 * loss
        now = smooth / (1 - 0.9**step)  # without the zero it began with
        lowest = min(lowest, now)
        if not now < 4 * lowest:
            break
        kept.append((rate, now))
    return kept


def _steepest(curve: list[tuple[float, float]], *, per_factor: bool) -> float:
    """Returns the rate at which the loss falls fastest, over windows of ten steps."""
    slopes = {}
    for (low, before), (rate, now) in zip(curve, curve[10:], strict=False):
        width = math.log(rate / low) if per_factor else rate - low
        slopes[math.sqrt(low * rate)] = (now - before) / width
    return min(slopes, key=lambda rate: slopes[rate])
