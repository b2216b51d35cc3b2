"""Residual connections, homogeneous layers, and why transformers are harder to train."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot
from .small import digits, loss_and_accuracy, train

if TYPE_CHECKING:
    from torch import Tensor, nn

PAGE = Page(
    question=(
        "Why do residual connections help, and why are transformers harder to train?",
        "残差连接为什么有用，transformer 为什么更难训练?",
    ),
    shows=(
        (
            "40 ReLU layers begun by He's rule keep the size of signals, but the answers to two different inputs "
            "come to a cosine of {plain_cos:.3f}; with residual branches to {res_cos:.2f}.",
            "40 层 He 初始化的 ReLU 网络保持信号大小，但两个不同输入的输出余弦变成 {plain_cos:.3f}；有残差分支时是 {res_cos:.2f}。",
        ),
        (
            "Digits, 40 layers, 150 steps: accuracy {plain_acc:.0%} without residuals, {res_acc:.0%} with them "
            "(the last layer of each branch begins at 0).",
            "手写数字，40 层，150 步：没有残差，准确率 {plain_acc:.0%}；有残差 {res_acc:.0%}(每个分支的最后一层从 0 开始)。",
        ),
        (
            "Two ReLU layers, the first times 10 and the second divided by 10: the same function, to {same:.0e}, "
            "but gradients that are {first:.2f} and {second:.0f} times as large.",
            "两个 ReLU 层，第一层乘 10，第二层除以 10：函数不变，误差 {same:.0e}，梯度却变成 {first:.2f} 倍和 {second:.0f} 倍。",
        ),
        (
            "The last block's gradient at the start, from 4 to 64 blocks: with the norm behind the sum (post-norm) "
            "it goes from {post4:.3f} to {post64:.3f}; with the norm in the branch (pre-norm) from {pre4:.3f} to "
            "{pre64:.3f}: a deep pre-norm network begins with small steps by itself.",
            "刚开始时最后一块的梯度，从 4 块到 64 块：归一化放在求和之后(post-norm)，从 {post4:.3f} 到 {post64:.3f}；放在分支里"
            "(pre-norm)，从 {pre4:.3f} 到 {pre64:.3f}：深的 pre-norm 网络起步自然就小。",
        ),
        (
            "Attention over 64 keys of width 256 without the 1/16: its largest weight is {unscaled:.2f} on average, "
            "with it {scaled:.2f}.",
            "对 64 个宽 256 的键做注意力，不乘 1/16 时最大的权重平均是 {unscaled:.2f}，乘了是 {scaled:.2f}。",
        ),
    ),
    plots=(
        Plot(
            ("Cosine of the answers to two inputs", "两个输入的输出之间的余弦"),
            {"plain": ("plain", "普通"), "residual": ("residual", "残差")},
            x=("layer", "层"), within=(-0.2, 1.02),
        ),
        Plot(
            ("Gradient of the last block at the start", "刚开始时最后一块的梯度"),
            {"post": ("post-norm", "post-norm"), "pre": ("pre-norm", "pre-norm")},
            x=("number of blocks", "块数"), y=("norm", "范数"), log="xy",
        ),
    ),
    checks=(
        "vanishing-gradient", "exploding-gradient", "residual-scaled-away", "attention-unscaled",
        "attention-collapsed", "initial-scale", "warmup-missing",
    ),
    tricks=("init", "norm", "warmup", "drop-path", "clip-norm"),
)  # fmt: skip

DEPTH, WIDTH, BLOCKS = 40, 64, (4, 8, 16, 32, 64)


def measure() -> Measured:
    """Follows signals and gradients through deep networks with and without a way past."""
    import torch
    from torch import nn

    curves: dict[str, list[tuple[float, float]]] = {}
    for name, past in (("plain", False), ("residual", True)):
        signals, curve = torch.randn(2, 512), []
        for layer in range(DEPTH + 1):
            curve.append(
                (
                    float(layer),
                    float(nn.functional.cosine_similarity(signals[0], signals[1], dim=0)),
                )
            )
            inner = (signals @ torch.randn(512, 512) * math.sqrt(2 / 512)).relu()
            outer = inner @ torch.randn(512, 512) / math.sqrt(512)
            signals = signals + outer / math.sqrt(DEPTH) if past else inner
        curves[name] = curve
    numbers = {"plain_cos": curves["plain"][-1][1], "res_cos": curves["residual"][-1][1]}

    seen, held = digits()
    for name, residual in (("plain", False), ("res", True)):
        torch.manual_seed(0)
        model = _network(residual=residual)
        train(model, seen, torch.optim.SGD(model.parameters(), lr=0.02), 150)
        numbers[f"{name}_acc"] = loss_and_accuracy(model, held)[1]
    numbers |= _homogeneous()

    for name in ("post", "pre"):
        curves[name] = [
            (float(n), sum(_last_gradient(n, seed, pre=name == "pre") for seed in range(8)) / 8)
            for n in BLOCKS
        ]
        numbers |= {f"{name}{blocks:.0f}": norm for blocks, norm in curves[name]}
    scores = torch.randn(500, 256) @ torch.randn(64, 256).T
    numbers["unscaled"] = float(scores.softmax(1).max(1).values.mean())
    numbers["scaled"] = float((scores / 16).softmax(1).max(1).values.mean())
    return Measured(numbers, curves)


def _network(*, residual: bool) -> nn.Module:
    """Returns 40 layers between an input and an output layer."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
            for layer in (self.inner, self.outer):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if residual:
                nn.init.zeros_(self.outer.weight)

        def forward(self, x: Tensor) -> Tensor:
            branch = self.outer(torch.relu(self.inner(x)))
            return x + branch if residual else torch.relu(branch)

    return nn.Sequential(*(Block() for _ in range(DEPTH // 2)), nn.Linear(WIDTH, 10))


def _homogeneous() -> dict[str, float]:
    """Moves a factor of 10 from one ReLU layer to the next, and compares outputs and gradients."""
    import torch

    x = torch.randn(32, WIDTH)
    outputs, slopes = [], []
    first, second = torch.randn(WIDTH, WIDTH) / 8, torch.randn(1, WIDTH) / 8
    for factor in (1.0, 10.0):
        a = (first * factor).requires_grad_()
        b = (second / factor).requires_grad_()
        output = (x @ a.T).relu() @ b.T
        outputs.append(output.detach())
        slopes.append(
            [float(g.norm()) for g in torch.autograd.grad(output.square().mean(), (a, b))]
        )
    return {
        "same": float((outputs[0] - outputs[1]).abs().max()),
        "first": slopes[1][0] / slopes[0][0], "second": slopes[1][1] / slopes[0][1],
    }  # fmt: skip


def _last_gradient(blocks: int, seed: int, *, pre: bool) -> float:
    """Returns the gradient norm of the last of a transformer's feed-forward blocks at its start."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    x = torch.randn(128, WIDTH)
    for _ in range(blocks):
        inner = torch.randn(WIDTH, WIDTH) * math.sqrt(2 / WIDTH)
        outer = (torch.randn(WIDTH, WIDTH) / 8).requires_grad_()
        if pre:
            x = x + torch.relu(nn.functional.layer_norm(x, (WIDTH,)) @ inner) @ outer
        else:
            x = nn.functional.layer_norm(x + torch.relu(x @ inner) @ outer, (WIDTH,))
    x = nn.functional.layer_norm(x, (WIDTH,))
    loss = nn.functional.cross_entropy(x @ torch.randn(WIDTH, 10) / 8, torch.randint(10, (128,)))
    return float(torch.autograd.grad(loss, outer)[0].norm())
