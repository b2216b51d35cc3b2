"""Formats of numbers, and what mixed precision keeps in float32, and why."""

from __future__ import annotations

import math

from .page import Measured, Page, Plot, by_step

PAGE = Page(
    question=(
        "What do float16 and bfloat16 lose, and what does mixed precision keep in float32?",
        "float16 和 bfloat16 丢了什么，混合精度为什么要保留 float32?",
    ),
    shows=(
        (
            "The largest number of float16 is (2 - 2^-10) x 2^15 = {max16:.0f}; from 65520 on a number "
            "becomes {over:g}. Its smallest is {tiny16:.1e}; half of that becomes {under:g}.",
            "float16 最大的数是 (2 - 2^-10) x 2^15 = {max16:.0f}；从 65520 起变成 {over:g}。最小的是 "
            "{tiny16:.1e}；它的一半变成 {under:g}。",
        ),
        (
            "bfloat16 reaches to {maxb:.2g}, as float32 does, but has 8 bits of precision: 256 + 1 is "
            "{plus_b:.0f} there, 2048 + 1 is {plus_16:.0f} in float16.",
            "bfloat16 和 float32 一样能到 {maxb:.2g}，但只有 8 位精度：256 + 1 在其中是 {plus_b:.0f}，"
            "2048 + 1 在 float16 中是 {plus_16:.0f}。",
        ),
        (
            "1000 steps of 0.001 downwards from 1: float32 arrives at {w32:.3f}, float16 at {w16:.3f}, "
            "bfloat16 at {wb:.3f}: weights need float32.",
            "从 1 开始，每步减 0.001，走 1000 步：float32 到 {w32:.3f}，float16 到 {w16:.3f}，bfloat16 到 "
            "{wb:.3f}：权重需要 float32。",
        ),
        (
            "Of 10000 gradients around 1e-7, {lost:.0%} are 0 in float16; scaled by 65536 {lost_scaled:.0%}; "
            "in bfloat16 {lost_b:.0%}, without a scaler.",
            "10000 个在 1e-7 左右的梯度，float16 中有 {lost:.0%} 变成 0；放大 65536 倍后 {lost_scaled:.0%}；"
            "bfloat16 不用缩放也是 {lost_b:.0%}。",
        ),
        (
            "The sum of 10000 times 0.1, added one by one: {sum16:.0f} in float16, {sumb:.0f} in bfloat16, "
            "{sum32:.2f} in float32.",
            "10000 个 0.1 逐个相加：float16 得 {sum16:.0f}，bfloat16 得 {sumb:.0f}，float32 得 {sum32:.2f}。",
        ),
        (
            "A GradScaler that meets an infinite gradient leaves the weight as it was ({skipped:g}) and "
            "goes from a scale of {scale:.0f} to {halved:.0f}.",
            "GradScaler 遇到无穷大的梯度：权重保持不变({skipped:g})，缩放因子从 {scale:.0f} 变为 {halved:.0f}。",
        ),
    ),
    plots=(
        Plot(
            ("A weight that is to go from 1 to 0 in steps of 0.001", "权重每步减 0.001，应从 1 走到 0"),
            {"f32": ("float32", "float32"), "f16": ("float16", "float16"), "b16": ("bfloat16", "bfloat16")},
            x=("step", "步"), y=("weight", "权重"),
        ),
        Plot(
            ("How far numbers lie apart", "相邻两数的间隔"),
            {"gap32": ("float32", "float32"), "gap16": ("float16", "float16"), "gapb": ("bfloat16", "bfloat16")},
            x=("number", "数"), y=("distance to the next", "到下一个数"), log="xy",
        ),
    ),
    checks=(
        "fp16-overflow", "fp16-underflow", "half-without-scaler", "log-or-exp-in-half", "updates-lost",
        "eps-below-precision", "mask-value-overflows", "scaler-bypassed", "scaler-misused",
        "scaler-collapsing", "clipping-scaled-gradients",
    ),
    tricks=("amp", "use-scaler", "float32-islands", "eps"),
)  # fmt: skip

KINDS = {"32": "float32", "16": "float16", "b": "bfloat16"}


def measure() -> Measured:
    """Rounds, adds and steps in three formats."""
    import torch

    half, brain = torch.float16, torch.bfloat16
    numbers: dict[str, float] = {
        "max16": torch.finfo(half).max, "maxb": torch.finfo(brain).max,
        "over": float(torch.tensor(65520.0).to(half)), "tiny16": 2.0**-24,
        "under": float(torch.tensor(2.0**-25).to(half)),
        "plus_b": float(torch.tensor(256.0, dtype=brain) + 1),
        "plus_16": float(torch.tensor(2048.0, dtype=half) + 1),
    }  # fmt: skip
    curves: dict[str, list[tuple[float, float]]] = {}
    for short, name in KINDS.items():
        kind = getattr(torch, name)
        weight, path = torch.ones((), dtype=kind), []
        for _ in range(1000):
            path.append(float(weight))
            weight = weight - torch.tensor(1e-3, dtype=kind)
        numbers[f"w{short}"] = float(weight)
        curves["b16" if short == "b" else f"f{short}"] = by_step(path)[::10]
        total = torch.zeros((), dtype=kind)
        for _ in range(10000):
            total = total + torch.tensor(0.1, dtype=kind)
        numbers[f"sum{short}"] = float(total)
        curves[f"gap{short}"] = _distances(kind)

    gradients = 1e-7 * torch.randn(10000)
    numbers["lost"] = float((gradients.to(half) == 0).float().mean())
    numbers["lost_scaled"] = float(((gradients * 65536).to(half) == 0).float().mean())
    numbers["lost_b"] = float((gradients.to(brain) == 0).float().mean())

    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    numbers["scale"] = scaler.get_scale()
    scaler.scale(weight * 1.0).backward()
    weight.grad = torch.tensor(math.inf)
    scaler.step(optimizer)
    scaler.update()
    numbers |= {"skipped": float(weight.detach()), "halved": scaler.get_scale()}
    return Measured(numbers, curves)


def _distances(kind: object) -> list[tuple[float, float]]:
    """Returns the distance from a power of two to the next number, over the format's range."""
    import torch

    assert isinstance(kind, torch.dtype)
    limits = torch.finfo(kind)
    lowest, highest = max(limits.smallest_normal, 1e-8), min(limits.max, 1e8)
    exponents = range(math.ceil(math.log2(lowest)), math.floor(math.log2(highest)) + 1)
    return [(2.0**k, 2.0**k * limits.eps) for k in exponents]
