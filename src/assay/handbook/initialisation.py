"""Xavier, He and zero: how the scale of weights at the start carries through a deep network."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot
from .small import digits, loss_and_accuracy, mlp, train

if TYPE_CHECKING:
    from torch import Tensor

PAGE = Page(
    question=(
        "How should weights begin: Xavier, He, or zero?",
        "权重该怎样初始化：Xavier、He，还是零?",
    ),
    shows=(
        (
            "30 ReLU layers of 256 units, inputs of variance 1: the last layer's numbers have the "
            "standard deviation {default:.0e} under torch's default, {lecun:.0e} under 1/n (LeCun), "
            "{xavier:.0e} under Xavier, {he:.2f} under He.",
            "30 层、每层 256 个单元的 ReLU 网络，输入方差为 1：最后一层的标准差，torch 默认是 "
            "{default:.0e}，1/n (LeCun) 是 {lecun:.0e}，Xavier 是 {xavier:.0e}，He 是 {he:.2f}。",
        ),
        (
            "A layer from 64 to 256 units: 1/n keeps the variance forward (x {lecun_forward:.2f}) and "
            "makes that of gradients x {lecun_back:.2f}; Xavier's 2/(64 + 256) gives "
            "x {xavier_forward:.2f} and x {xavier_back:.2f}.",
            "从 64 到 256 个单元的一层：1/n 前向保持方差(x {lecun_forward:.2f})，梯度的方差却 x "
            "{lecun_back:.2f}；Xavier 的 2/(64 + 256) 给出 x {xavier_forward:.2f} 和 x {xavier_back:.2f}。",
        ),
        (
            "nn.Linear begins with variance {torch_n:.3f}/n, neither of them.",
            "nn.Linear 初始的方差是 {torch_n:.3f}/n，两者都不是。",
        ),
        (
            "All weights 0: after 200 steps the accuracy on digits is {zero:.0%}, a constant guess. "
            "All weights 0.1: the 64 hidden units are {same:.0f} unit still, and it is {equal:.0%}.",
            "权重全为 0：200 步后手写数字的准确率是 {zero:.0%}，只是固定的猜测。权重全为 0.1："
            "64 个隐藏单元始终只是 {same:.0f} 个，准确率 {equal:.0%}。",
        ),
        (
            "Only the last layer 0: {last:.0%}, as good as drawn at random ({random:.0%}).",
            "只有最后一层为 0：{last:.0%}，和随机初始化一样好({random:.0%})。",
        ),
    ),
    plots=(
        Plot(
            ("What arrives at each layer", "每层得到的信号"),
            {
                "default": ("torch's default", "torch 默认"),
                "lecun": ("1/n (LeCun)", "1/n (LeCun)"),
                "xavier": ("Xavier", "Xavier"),
                "he": ("He", "He"),
                "twice": ("2 x He's variance", "2 x He 的方差"),
            },
            x=("layer", "层"),
            y=("standard deviation", "标准差"),
            log="y",
        ),
    ),
    checks=(
        "initial-scale", "symmetric-initialisation", "vanishing-gradient", "exploding-gradient",
        "loss-at-start", "dead-units",
    ),
    tricks=("init", "norm", "activation"),
)  # fmt: skip

WIDTH, DEPTH = 256, 30


def measure() -> Measured:
    """Sends random inputs through deep networks, and trains those that begin with zeros."""
    import torch
    from torch import nn

    draws: dict[str, Callable[[Tensor], object]] = {
        "default": lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)),
        "lecun": lambda w: nn.init.normal_(w, 0, math.sqrt(1 / w.shape[1])),
        "xavier": lambda w: nn.init.xavier_normal_(w),
        "he": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
        "twice": lambda w: nn.init.normal_(w, 0, math.sqrt(4 / w.shape[1])),
    }
    numbers: dict[str, float] = {}
    curves: dict[str, list[tuple[float, float]]] = {}
    for name, draw in draws.items():
        x = torch.randn(256, WIDTH)
        curves[name] = [(0.0, float(x.std()))]
        for layer in range(1, DEPTH + 1):
            weight = torch.empty(WIDTH, WIDTH)
            draw(weight)
            x = (x @ weight.T).relu()
            curves[name].append((float(layer), float(x.std())))
        numbers[name] = curves[name][-1][1]

    for name in ("lecun", "xavier"):
        weight = torch.empty(256, 64)
        draws[name](weight)
        numbers[f"{name}_forward"] = float((torch.randn(2000, 64) @ weight.T).var())
        numbers[f"{name}_back"] = float((torch.randn(2000, 256) @ weight).var())
    numbers["torch_n"] = float(nn.Linear(512, 512).weight.detach().var()) * 512

    for name in ("zero", "equal", "last", "random"):
        numbers[name], numbers["same"] = _trained(name, numbers.get("same", 0.0))
    return Measured(numbers, curves)


def _trained(begin: str, same: float) -> tuple[float, float]:
    """Returns the accuracy after training, and how many hidden units differ if all began alike."""
    import torch
    from torch import nn

    seen, held = digits()
    torch.manual_seed(0)
    model = mlp([64, 64, 10], nn.ReLU)
    weights = list(model.parameters())
    with torch.no_grad():
        for weight in {"zero": weights, "equal": weights, "last": weights[2:]}.get(begin, []):
            weight.fill_(0.1 if begin == "equal" else 0.0)
    train(model, seen, torch.optim.SGD(model.parameters(), lr=0.1), 200)
    if begin == "equal":
        rows = weights[0].detach()
        same = float(len(torch.unique((rows * 1e4).round(), dim=0)))
    return loss_and_accuracy(model, held)[1], same
