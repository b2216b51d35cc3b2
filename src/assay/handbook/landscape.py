"""The loss along lines through the weights, and the extreme eigenvalues of its Hessian."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot, by_step
from .small import digits, mlp, train

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .small import Data

PAGE = Page(
    question=("What does the loss look like around the weights, and how sharp is it?", "权重周围的损失是什么样，有多尖锐?"),
    shows=(
        (
            "500 digits, all in each step, rate {rate:g}: the largest eigenvalue of the Hessian goes from {sharp0:.1f} to {top:.1f} and, as "
            "the data are fitted, to {sharp300:.1f} after 300 steps; steps are stable below 2/{rate:g} = {limit:.1f}.",
            "500 个手写数字，每步用全部，学习率 {rate:g}：Hessian 的最大特征值从 {sharp0:.1f} 到 {top:.1f}，随着数据被拟合，300 步后到 "
            "{sharp300:.1f}；低于 2/{rate:g} = {limit:.1f} 步子就稳定。",
        ),
        (
            "The lowest eigenvalue is {low:.4f}: the loss curves down in some directions, so this is no minimum yet.",
            "最小的特征值是 {low:.4f}：有些方向上损失向下弯，所以这里还不是最小值。",
        ),
        (
            "Along the next step the loss is lowest at {best:.0f} times its length, where it has fallen by {gain:.5f}; the step "
            "itself gains {own:.5f}.",
            "沿下一步的方向，损失在步长的 {best:.0f} 倍处最低，降了 {gain:.5f}；这一步本身降 {own:.5f}。",
        ),
        (
            "The same function with a factor of 10 moved between two ReLU layers: along a random direction the loss rises by "
            "{plain:.3f} before and {plain_moved:.2f} after; filter-normalised, by {filtered:.4f} and {filtered_moved:.4f}.",
            "同一个函数，在两个 ReLU 层之间移动 10 倍：沿随机方向，损失之前升 {plain:.3f}，之后升 {plain_moved:.2f}；按滤波器归一化，升 "
            "{filtered:.4f} 和 {filtered_moved:.4f}。",
        ),
        (
            "From the first weights to the last on a straight line the loss falls from {start:.2f} to {end:.3f}, and rises on "
            "{rises:.0%} of it.",
            "从最初的权重沿直线走到最后的权重，损失从 {start:.2f} 降到 {end:.3f}，其中 {rises:.0%} 的路在上升。",
        ),
    ),
    plots=(
        Plot(
            ("Between two checkpoints: the start and the end", "两个检查点之间：起点和终点"),
            {"between": ("loss", "损失")}, x=("share of the way", "走过的比例"), log="y",
        ),
        Plot(
            ("Along filter-normalised random directions", "沿按滤波器归一化的随机方向"),
            {"first": ("one", "一个"), "second": ("another", "另一个")}, x=("length", "长度"), log="y",
        ),
        Plot(
            ("Sharpness while training", "训练中的尖锐度"),
            {"sharp": ("largest eigenvalue", "最大特征值"), "stable": ("2 / rate", "2 / 学习率")}, x=("step", "步"),
        ),
    ),
    checks=("learning-rate-too-high", "learning-rate-too-low", "loss-oscillating"),
    tricks=("lr", "warmup", "clip-norm"),
)  # fmt: skip

RATE = 0.6


def measure() -> Measured:
    """Trains on all data, and looks at the loss around the weights."""
    import torch
    from torch import nn

    seen, _ = digits(500)
    torch.manual_seed(0)
    model = mlp([64, 32, 10], nn.Tanh)
    first = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    curves: dict[str, list[tuple[float, float]]] = {"sharp": []}
    for step in range(301):
        if step % 30 == 0:
            low, high = extremes(model, seen)
            curves["sharp"].append((float(step), high))
        if step < 300:
            optimizer.zero_grad()
            _loss(model, seen).backward()
            optimizer.step()
    curves["stable"] = [(0.0, 2 / RATE), (300.0, 2 / RATE)]
    sharp = dict(curves["sharp"])
    numbers = {
        "rate": RATE,
        "limit": 2 / RATE,
        "low": low,
        "sharp0": sharp[0],
        "sharp300": sharp[300],
        "top": max(sharp.values()),
    }

    slopes = torch.autograd.grad(_loss(model, seen), list(model.parameters()))
    own = [-RATE * g for g in slopes]
    along = [
        (length, _at(model, seen, own, length))
        for length in (0, *(10 ** (k / 20) for k in range(80)))
    ]
    best, lowest = min(along, key=lambda point: point[1])
    numbers |= {
        "best": best,
        "gain": along[0][1] - lowest,
        "own": along[0][1] - _at(model, seen, own, 1.0),
    }
    way = [
        b.detach() - a.detach() for a, b in zip(first.parameters(), model.parameters(), strict=True)
    ]
    between = [_at(first, seen, way, k / 40) for k in range(41)]
    curves["between"] = [(k / 40, loss) for k, loss in by_step(between)]
    rising = sum(b > a for a, b in pairwise(between))
    numbers |= {"start": between[0], "end": between[-1], "rises": rising / 40}
    for name in ("first", "second"):
        direction = _filtered(model, _random(model))
        curves[name] = [(k / 20, _at(model, seen, direction, k / 20)) for k in range(-20, 21)]
    return Measured(numbers | _rescaled(seen), curves)


def _loss(model: nn.Module, data: Data) -> Tensor:
    from torch.nn.functional import cross_entropy

    return cross_entropy(model(data[0]), data[1])


def _at(model: nn.Module, data: Data, direction: list[Tensor], length: float) -> float:
    """Returns the loss at some distance from the weights, which stay as they are."""
    import torch

    moved = {
        name: weight + length * d
        for (name, weight), d in zip(model.named_parameters(), direction, strict=True)
    }
    with torch.no_grad():
        logits = torch.func.functional_call(model, moved, (data[0],))
        return float(torch.nn.functional.cross_entropy(logits, data[1]))


def extremes(model: nn.Module, data: Data) -> tuple[float, float]:
    """Returns the lowest and the highest eigenvalue of the loss's Hessian (Lanczos)."""
    import torch

    from ..curvature.hessian import Hessian, flat, lanczos, unflat

    weights = list(model.parameters())
    hessian = Hessian(_loss(model, data), weights)
    start = torch.randn(sum(w.numel() for w in weights), generator=torch.Generator().manual_seed(0))
    found = lanczos(lambda v: flat(hessian.product(unflat(v, weights))), start, 40, at_least=20)
    return found.low, found.high


def _random(model: nn.Module) -> list[Tensor]:
    import torch

    return [torch.randn_like(w) for w in model.parameters()]


def _filtered(model: nn.Module, direction: list[Tensor]) -> list[Tensor]:
    """Returns a direction in which each unit's weights are as long as the unit's own; biases stay."""
    import torch

    made = []
    for weight, d in zip(model.parameters(), direction, strict=True):
        if weight.dim() < 2:
            made.append(torch.zeros_like(d))
        else:
            made.append(d / d.norm(dim=1, keepdim=True) * weight.detach().norm(dim=1, keepdim=True))
    return made


def _rescaled(data: Data) -> dict[str, float]:
    """Moves a factor of 10 between two ReLU layers, and compares how far the loss rises."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    model = mlp([64, 32, 10], nn.ReLU)
    train(model, data, torch.optim.SGD(model.parameters(), lr=0.1), 200)
    moved = copy.deepcopy(model)
    with torch.no_grad():
        weights = list(moved.parameters())
        for weight, factor in zip(weights, (0.1, 0.1, 10.0, 1.0), strict=True):
            weight.mul_(factor)
    drawn = [_random(model) for _ in range(10)]
    here = float(_loss(model, data).detach())
    numbers = {}
    for suffix, each in (("", model), ("_moved", moved)):
        plain = [_at(each, data, direction, 0.03) for direction in drawn]
        normed = [_at(each, data, _filtered(each, direction), 0.3) for direction in drawn]
        numbers[f"plain{suffix}"] = sum(plain) / 10 - here
        numbers[f"filtered{suffix}"] = sum(normed) / 10 - here
    return numbers
